//! What stands in the table, and what of it looks wrong at first sight.

use std::collections::{BTreeMap, BTreeSet};

use adapters::dynamodb::{
    Key,
    users::{Found, Row},
};
use shared::domain::{LoginKey, User, UserId, Version};

/// Everything in the table, as far as it matters: some 300 bytes for each user.
#[derive(Default)]
pub(super) struct Census {
    users: BTreeMap<UserId, Seen>,
    /// Who names each login.
    claims: BTreeMap<LoginKey, Vec<UserId>>,
    /// Who owns each login, by its own item.
    owners: BTreeMap<LoginKey, UserId>,
    /// The newest entry of each history.
    entries: BTreeMap<UserId, Version>,
    administrators: Option<u64>,
    unreadable: Vec<Key>,
}

/// A user as the table had it.
struct Seen {
    version: Version,
    is_erased: bool,
    is_active_admin: bool,
    is_in_feed: bool,
}

/// What may be wrong.
pub(super) enum Suspicion {
    Login(LoginKey),
    Feed(UserId),
    History(UserId),
    Administrators { counted: Option<u64>, there: u64 },
    Unreadable(Key),
}

impl Census {
    pub(super) fn add(&mut self, found: Found) {
        match found {
            Found::User(row) => {
                for login in row.user().iter().flat_map(|user| &user.logins) {
                    let claimants = self.claims.entry(login.clone()).or_default();
                    claimants.push(row.id());
                }
                self.users.insert(row.id(), Seen::of(&row));
            }
            Found::Login(key, owner) => {
                self.owners.insert(key, owner);
            }
            Found::Entry(user, version) => {
                let newest = self.entries.entry(user).or_insert(version);
                *newest = version.max(*newest);
            }
            Found::Administrators(count) => self.administrators = Some(count),
            Found::Unreadable(key) => self.unreadable.push(key),
        }
    }

    /// Users who were not erased.
    pub(super) fn users(&self) -> usize {
        self.users.values().filter(|user| !user.is_erased).count()
    }

    pub(super) fn logins(&self) -> usize {
        self.owners.len()
    }

    /// The users who say that a login is theirs.
    pub(super) fn claimants(&self, key: &LoginKey) -> &[UserId] {
        self.claims.get(key).map_or(&[], Vec::as_slice)
    }

    pub(super) fn suspicions(&self) -> Vec<Suspicion> {
        let logins = self.suspicious_logins().into_iter().map(Suspicion::Login);
        let unlisted = self.users.iter().filter(|(_, user)| !user.is_in_feed);
        let unlisted = unlisted.map(|(id, _)| Suspicion::Feed(*id));
        let unreadable = self.unreadable.iter().cloned().map(Suspicion::Unreadable);
        let mut suspicions: Vec<_> = logins.chain(unlisted).chain(unreadable).collect();
        suspicions.extend(self.suspicious_histories());
        suspicions.extend(self.miscount());
        suspicions
    }

    fn miscount(&self) -> Option<Suspicion> {
        let admins = self.users.values().filter(|user| user.is_active_admin);
        let there = admins.count() as u64;
        let counted = self.administrators;
        // Whom this program cannot read may be one.
        let is_known = !self.unreadable.iter().any(|key| key.sk == "USER");
        let differs = is_known && counted.unwrap_or_default() != there;
        differs.then_some(Suspicion::Administrators { counted, there })
    }

    /// Logins which their owner does not name, and such as a user names who does not own them.
    fn suspicious_logins(&self) -> BTreeSet<LoginKey> {
        let owned = self.owners.iter().filter(|(key, owner)| {
            !self.claimants(key).contains(owner) && self.is_readable(&format!("USER#{owner}"))
        });
        let claimed = self.claims.iter().filter(|(key, users)| {
            let owner = self.owners.get(key);
            users.iter().any(|user| Some(user) != owner)
                && self.is_readable(&format!("LOGIN#{key}"))
        });
        let owned = owned.map(|(key, _)| key.clone());
        owned.chain(claimed.map(|(key, _)| key.clone())).collect()
    }

    /// False if there is something in this partition which this program cannot read. What depends on it is
    /// not judged.
    fn is_readable(&self, pk: &str) -> bool {
        !self.unreadable.iter().any(|key| key.pk == pk)
    }

    /// Users whose history ends elsewhere than they are, and histories of nobody.
    fn suspicious_histories(&self) -> impl Iterator<Item = Suspicion> {
        let everybody: BTreeSet<_> = self.users.keys().chain(self.entries.keys()).collect();
        let torn = everybody.into_iter().filter(|id| {
            let version = self.users.get(id).map(|user| user.version);
            version != self.entries.get(id).copied() && self.is_readable(&format!("USER#{id}"))
        });
        torn.map(|id| Suspicion::History(*id))
    }
}

impl Seen {
    fn of(row: &Row) -> Self {
        let user = row.user();
        Self {
            version: row.version(),
            is_erased: user.is_none(),
            is_active_admin: user.is_some_and(User::is_active_admin),
            is_in_feed: row.is_in_feed,
        }
    }
}
