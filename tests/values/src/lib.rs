//! This library is empty: the tests are in `tests/`. They are a package of their own, so that the
//! crates whose types they send are dependencies of no other package.
