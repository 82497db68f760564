//! What a package is told that does not say under which name it has the library.

#[test]
fn ui() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}
