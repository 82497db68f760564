//! Programs that tests need and that are not built here: installed ones, or those of Debian.

use std::process::Command;

use crate::step::{output, say};

/// A program, with an argument that it answers at once.
pub(crate) type Program = (&'static str, &'static str);

/// Makes sure of these programs. Installs Debian's packages where one is missing and that is
/// possible.
pub(crate) fn get(programs: &[Program], packages: &[&str]) -> Result<(), String> {
    let Some(missing) = first_missing(programs) else { return Ok(()) };
    let user = output(Command::new("id").arg("-u")).unwrap_or_default();
    if user.trim() != "0" || output(Command::new("apt-get").arg("--version")).is_err() {
        let names = packages.join(" and ");
        return Err(format!("there is no {missing} here; install it, for example Debian's {names}"));
    }
    say(&format!("apt-get install {}", packages.join(" ")));
    let apt = |arguments: &[&str]| {
        output(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
    };
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], packages].concat())?;
    match first_missing(programs) {
        None => Ok(()),
        Some(missing) => Err(format!("the packages were installed, and {missing} is still not there")),
    }
}

fn first_missing(programs: &[Program]) -> Option<&'static str> {
    let is_missing = |(program, argument): &&Program| output(Command::new(program).arg(argument)).is_err();
    programs.iter().find(is_missing).map(|(program, _)| *program)
}
