//! Observes `UserSignUpRequested`: carries out a concealed sign-up.

pub mod on_sign_up_requested;
