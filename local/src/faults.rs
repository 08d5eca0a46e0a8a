//! Faults which tests order from a service: the next calls fail, in the order in which the
//! faults were ordered.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// One failed call. The two kinds differ in what a retry meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The service does nothing and answers with this error code.
    Refused(&'static str),
    /// The service does what was asked, and the caller gets this error code nevertheless.
    LostReply(&'static str),
}

/// The faults still to come. Clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<VecDeque<Fault>>>);

impl Faults {
    /// Orders `fault` for each of the next `times` calls which have no fault yet.
    pub fn order(&self, fault: &Fault, times: usize) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.extend(std::iter::repeat_n(fault.clone(), times));
    }

    /// How many faults are still to come.
    pub fn pending(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The fault of the call that is just being handled, if it has one.
    pub(crate) fn take(&self) -> Option<Fault> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }
}
