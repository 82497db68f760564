//! Two blocks of one program that cannot be told apart.

use std::fmt;

use crate::block::Block;

/// Two blocks of this binary have one id, so a call could run either.
#[derive(Clone, Debug)]
pub struct DuplicateBlock {
    /// The one that was registered first.
    pub first: &'static Block,
    /// The one that was registered after it.
    pub second: &'static Block,
}

impl std::error::Error for DuplicateBlock {}

impl DuplicateBlock {
    /// Whether both are one piece of source, compiled twice.
    fn is_one_source(&self) -> bool {
        let Self { first, second } = self;
        (first.path, first.file, first.line) == (second.path, second.file, second.line)
    }
}

impl fmt::Display for DuplicateBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, second } = self;
        if self.is_one_source() {
            return write!(
                f,
                "block {first} is in this program twice: module `{module}` was compiled twice, for example by `mod` in both the library \
                 and the program of one package; declare it in the library only, and `use {module}` in the program",
                module = first.module
            );
        }
        match first.name.filter(|_| first.name == second.name) {
            Some(name) => {
                write!(
                    f,
                    "two blocks have the name \"{name}\": {first} and {second}; give one of them another name"
                )
            }
            None if first.module == second.module => write!(
                f,
                "two functions of module `{}` have the same name: {first} and {second} have the id {}; rename one of the functions",
                first.module, first.id
            ),
            None => write!(
                f,
                "two blocks have the id {}: {first} and {second}; rename one of the functions, or move it to another module",
                first.id
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::version::Source;

    const fn block(module: &'static str, file: &'static str, line: u32) -> Block {
        Block::new("shop::orders::checkout#1", module, file, line, &["cart"], Source::exact(1))
    }

    const fn named(path: &'static str, file: &'static str, line: u32) -> Block {
        Block::named("search", path, "shop", file, line, &[], Source::exact(1))
    }

    static ORDERS: Block = block("shop::orders", "src/orders.rs", 7);

    fn message(first: &'static Block, second: &'static Block) -> String {
        DuplicateBlock { first, second }.to_string()
    }

    #[test]
    fn two_functions_of_one_name_are_named_with_both_places() {
        static INNER: Block = block("shop::orders", "src/orders.rs", 19);
        let message = message(&ORDERS, &INNER);
        assert!(
            message.starts_with("two functions of module `shop::orders` have the same name: "),
            "{message}"
        );
        assert!(message.contains("src/orders.rs:7") && message.contains("src/orders.rs:19"), "{message}");
        assert!(message.ends_with("; rename one of the functions"), "{message}");
    }

    #[test]
    fn module_that_was_compiled_twice_is_named() {
        static AGAIN: Block = block("shop::orders", "src/orders.rs", 7);
        assert_eq!(
            message(&ORDERS, &AGAIN),
            "block `shop::orders::checkout#1` (src/orders.rs:7) is in this program twice: module `shop::orders` was compiled twice, for \
             example by `mod` in both the library and the program of one package; declare it in the library only, and `use \
             shop::orders` in the program"
        );
    }

    #[test]
    fn two_blocks_of_one_name_are_named_with_both_places() {
        static FIRST: Block = named("shop::a#0", "src/a.rs", 1);
        static SECOND: Block = named("shop::b#0", "src/b.rs", 2);
        assert_eq!(
            message(&FIRST, &SECOND),
            "two blocks have the name \"search\": `shop::a#0` (src/a.rs:1) and `shop::b#0` (src/b.rs:2); give one of them \
             another name"
        );
    }

    #[test]
    fn named_block_whose_module_was_compiled_twice_is_told_so() {
        static FIRST: Block = named("shop::a#0", "src/a.rs", 1);
        static AGAIN: Block = named("shop::a#0", "src/a.rs", 1);
        assert!(message(&FIRST, &AGAIN).contains("is in this program twice"));
    }
}
