//! `perfuse __generate DIR`: man pages and completions, from the command table. `perfuse generate`: files for others.

use std::fs;
use std::path::Path;

use clap_complete::Shell;
use perfuse_render::export::{grafana, rules};
use perfuse_render::{Lang, Texts};

use crate::cli::{GenerateArgs, MakeArgs, What};
use crate::console::{self, Console};
use crate::help;

/// Prints a dashboard or rules, in the language of the user.
pub(crate) fn make(args: &MakeArgs, console: &Console) -> anyhow::Result<u8> {
    let text = match args.what {
        What::Grafana => serde_json::to_string_pretty(&grafana::dashboard(console.texts))? + "\n",
        What::AlertRules => rules::rules(console.texts),
    };
    console::print(&text)?;
    Ok(0)
}

/// Writes `man/man1`, `man/ko/man1`, and `completions`.
pub(crate) fn run(args: &GenerateArgs) -> anyhow::Result<u8> {
    for lang in Lang::ALL {
        let texts = Texts::new(lang);
        let directory = match lang {
            Lang::En => args.directory.join("man/man1"),
            Lang::Ko => args.directory.join("man/ko/man1"),
        };
        fs::create_dir_all(&directory)?;
        man_pages(&help::command(&texts), &directory)?;
    }
    let completions = args.directory.join("completions");
    fs::create_dir_all(&completions)?;
    let texts = Texts::new(Lang::En);
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut visible(&help::command(&texts)), "perfuse", &completions)?;
    }
    Ok(0)
}

/// One page for the program and one for each command.
fn man_pages(command: &clap::Command, directory: &Path) -> anyhow::Result<()> {
    let page = |command: &clap::Command, name: String| -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        clap_mangen::Man::new(command.clone().name(name.clone())).render(&mut bytes)?;
        fs::write(directory.join(format!("{name}.1")), bytes)?;
        Ok(())
    };
    let main = visible(command);
    for sub in main.get_subcommands() {
        page(sub, format!("perfuse-{}", sub.get_name()))?;
    }
    page(&main, "perfuse".to_owned())
}

/// The table without hidden commands: completions would offer them.
fn visible(command: &clap::Command) -> clap::Command {
    let subcommands: Vec<_> = command.get_subcommands().filter(|sub| !sub.is_hide_set()).cloned().collect();
    let mut bare = clap::Command::new("perfuse").args(command.get_arguments().cloned()).subcommands(subcommands);
    if let Some(about) = command.get_about() {
        bare = bare.about(about.clone());
    }
    if let Some(version) = command.get_version() {
        bare = bare.version(version.to_owned());
    }
    // Both flags are among the copied arguments, with their words in the language.
    bare.disable_help_subcommand(true).disable_help_flag(true).disable_version_flag(true)
}
