//! Wrong use of the macros is an error at the right place, with a hint.
//!
//! The expected messages are the compiler's of the pinned toolchain. After a change, `TRYBUILD=overwrite` rewrites them:
//! read what it wrote.

#[test]
fn wrong_use_is_explained_where_it_stands() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
