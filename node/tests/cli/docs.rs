//! The page about the command line names what there is.

use crate::usage::paths;

#[test]
fn every_command_and_flag_is_named_on_the_page() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cli.md");
    let page = std::fs::read_to_string(page).expect("docs/cli.md is there");
    let mut missing = Vec::new();
    for path in paths(&esker::cli::tree()) {
        let name = [&["esker".to_owned()], &path[..]].concat().join(" ");
        if !page.contains(&format!("`{name}")) {
            missing.push(name);
        }
        let mut command = esker::cli::tree();
        for name in &path {
            command = command.find_subcommand(name).expect("it came from the tree").clone();
        }
        for flag in
            command.get_arguments().filter_map(clap::Arg::get_long).filter(|flag| !["help", "version"].contains(flag))
        {
            if !page.contains(&format!("--{flag}")) {
                missing.push(format!("--{flag}"));
            }
        }
    }
    assert!(missing.is_empty(), "docs/cli.md does not name {missing:?}");
}
