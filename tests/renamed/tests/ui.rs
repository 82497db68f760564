//! The error for a package that does not declare under which name it has the library.

#[test]
fn ui() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}
