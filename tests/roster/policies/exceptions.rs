//! What is permitted though no test needs it, and why.

/// Function, action, resource and form of the key, as the failing test prints them.
pub const EXCEPTIONS: [(&str, &str); 0] = [];
