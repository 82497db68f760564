//! The program, built from the old version of the crate.

use app_old as app;

#[path = "../program.rs"]
mod program;

fn main() -> std::io::Result<()> {
    program::main()
}
