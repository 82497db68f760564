//! Nothing is here: the tests stand in `tests/`, apart so that the crates whose types they send
//! burden no other package.
