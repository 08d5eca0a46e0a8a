//! Nothing: the tests are in `roster/`.
