//! The tests of the package are in Python (`tests/test_*.py`). This runs them on the module that cargo
//! has just built.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod package;
mod real;
