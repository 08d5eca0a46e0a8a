//! Observes `UserInvited`: lists the invitation and mails it.

pub mod on_user_invited;
