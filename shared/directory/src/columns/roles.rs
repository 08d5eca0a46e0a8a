//! Sets of roles, each kept once.

use std::collections::HashMap;

use domain::Roles;

use super::{Full, growth};

/// The sets of roles there are, numbered.
#[derive(Debug, Default)]
pub(super) struct RoleSets {
    sets: Vec<Roles>,
    numbers: HashMap<Roles, u32>,
}

impl RoleSets {
    /// The number of a set, which is new if there was none like it.
    pub(super) fn number(&mut self, roles: &Roles) -> Result<u32, Full> {
        if let Some(number) = self.numbers.get(roles) {
            return Ok(*number);
        }
        let number = u32::try_from(self.sets.len()).map_err(|_| Full)?;
        self.sets.push(roles.clone());
        self.numbers.insert(roles.clone(), number);
        Ok(number)
    }

    pub(super) fn get(&self, number: u32) -> Option<&Roles> {
        self.sets.get(number as usize)
    }

    /// For each set, the result of the test.
    pub(super) fn test(&self, test: impl FnMut(&Roles) -> bool) -> Vec<bool> {
        self.sets.iter().map(test).collect()
    }

    /// Bytes on the heap, without the words themselves: there are few.
    pub(super) fn memory(&self) -> usize {
        growth::memory(&self.sets) + self.numbers.capacity() * size_of::<(Roles, u32)>()
    }
}
