//! `DELETE /invitations/{id}`.

pub mod handler;
pub mod withdraw_invitation;
