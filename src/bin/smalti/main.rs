//! The tool `smalti`: images in a directory or on a server, from a shell.
//!
//! A thin skin over the library: it reads arguments and configuration, moves bytes between files
//! and places, and prints. It has no rule of images of its own.

mod args;
mod at;
mod bench;
mod commands;
mod config;
mod fault;
mod files;
mod interrupt;
mod place;
mod progress;
mod serve;
mod shell;
mod size;
mod table;
mod words;

use std::process::ExitCode;

fn main() -> ExitCode {
    let code = match args::parse() {
        Ok(args::Cli { common, command }) => {
            let shell = common.shell();
            shell.end(command.run(shell))
        }
        Err(code) => code,
    };
    ExitCode::from(code)
}
