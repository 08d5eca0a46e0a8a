//! Profiles, made of events that may come twice and in any order.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// What Roster tells of an event. It is thin: whoever needs a name or an address asks Roster for it.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    pub r#type: String,
    /// The user it is about.
    pub subject: Option<String>,
    /// The version of the user which it made.
    pub version: Option<u64>,
}

/// Whether a user is to be notified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    pub user_id: String,
    pub notify: bool,
    /// The version of the user which it is made of.
    pub version: u64,
    /// True once the user was erased: what comes late must not bring the profile back.
    #[serde(skip)]
    erased: bool,
}

/// The profiles. A real service would keep them in a database, and the version in the same row.
#[derive(Debug)]
pub struct Profiles {
    by_user: Mutex<HashMap<String, Profile>>,
    changes: watch::Sender<u64>,
}

impl Default for Profiles {
    fn default() -> Self {
        Self {
            by_user: Mutex::default(),
            changes: watch::Sender::new(0),
        }
    }
}

impl Profiles {
    /// Applies an event. Versions tell the order: one that is not higher is old, or came before, and
    /// changes nothing. Events without a version, such as those of sessions, say nothing of a profile.
    pub fn apply(&self, event: &Event) {
        let (Some(user), Some(version)) = (&event.subject, event.version) else {
            return;
        };
        let mut profiles = self.lock();
        let before = profiles.get(user);
        if before.is_some_and(|before| before.version >= version) {
            return;
        }
        let erased = event.r#type == "UserDeleted" || before.is_some_and(|before| before.erased);
        let notify = match event.r#type.as_str() {
            "UserDeactivated" => false,
            "UserReactivated" | "UserCreated" => true,
            _ => before.is_none_or(|before| before.notify),
        };
        let profile = Profile {
            user_id: user.clone(),
            notify: notify && !erased,
            version,
            erased,
        };
        profiles.insert(user.clone(), profile);
        drop(profiles);
        self.changes.send_modify(|count| *count += 1);
    }

    /// The profile of a user.
    pub fn get(&self, user: &str) -> Option<Profile> {
        let profile = self.lock().get(user).cloned();
        profile.filter(|profile| !profile.erased)
    }

    /// Waits for a profile of a user.
    pub async fn wait_for(&self, user: &str) -> Profile {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            if let Some(profile) = self.get(user) {
                return profile;
            }
            // The sender lives in `self`, so the channel cannot be closed here.
            let _changed = changes.changed().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Profile>> {
        self.by_user.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "019e8cd9-0aba-7c3e-8b51-4d2f6a7c9e10";

    fn event(kind: &str, version: u64) -> Event {
        Event {
            r#type: kind.to_owned(),
            subject: Some(USER.to_owned()),
            version: Some(version),
        }
    }

    /// Every order of these events, each of which comes twice, ends the same.
    #[test]
    fn whatever_the_order_the_highest_version_counts() {
        let events = [
            event("UserCreated", 1),
            event("UserUpdated", 2),
            event("UserDeactivated", 3),
        ];
        for order in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            let profiles = Profiles::default();
            for at in order.into_iter().chain(order) {
                profiles.apply(&events[at]);
            }
            let profile = profiles
                .get(USER)
                .map(|profile| (profile.version, profile.notify));
            assert_eq!(profile, Some((3, false)), "{order:?}");
        }
    }

    #[test]
    fn who_was_erased_stays_so() {
        let profiles = Profiles::default();
        profiles.apply(&event("UserCreated", 1));
        profiles.apply(&event("UserDeleted", 3));
        profiles.apply(&event("UserUpdated", 2));
        assert_eq!(profiles.get(USER), None);
    }

    #[test]
    fn what_is_about_no_version_of_a_user_changes_nothing() {
        let profiles = Profiles::default();
        profiles.apply(&Event {
            version: None,
            ..event("SessionStarted", 0)
        });
        assert_eq!(profiles.get(USER), None);
    }
}
