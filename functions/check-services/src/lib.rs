//! The health of instances, on a schedule.

pub mod check_services;
