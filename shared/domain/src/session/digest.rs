//! What of a session the audit trail is witness to.

use super::Session;
use crate::digest::{Digest, FieldHash};

impl Session {
    /// The digest of what the sign-in noted, salted by the nonce. The audit trail keeps it as a witness.
    pub fn digest(&self) -> Digest {
        let Self {
            id,
            user_id,
            nonce,
            created_at,
            source_address,
            request_id,
            user_agent,
            methods,
            // These change without an event: by a refresh, by a proof in the session, or with the epoch
            // of the user.
            generation: _,
            auth_epoch: _,
            auth_time: _,
            last_used_at: _,
            refreshes: _,
            earlier_uses: _,
            expires_at: _,
            // It opens nothing: see `Session::outlived_password`.
            password_version: _,
            // The line of the end is held against it.
            ended_at: _,
            ended_from: _,
            // These are made of the lines, which have this digest.
            start_line: _,
            end_line: _,
        } = self;
        let mut hash = FieldHash::new("roster.session.1");
        hash.field(nonce);
        hash.field(id);
        hash.field(user_id);
        hash.field(created_at);
        // A proof in the session adds methods at the end.
        hash.option(methods.first());
        hash.option(source_address.as_ref());
        hash.option(request_id.as_ref());
        hash.option(user_agent.as_ref());
        hash.finish()
    }
}
