//! The program, built from the new version of the crate.

use app_new as app;

#[path = "../program.rs"]
mod program;

fn main() -> std::io::Result<()> {
    program::main()
}
