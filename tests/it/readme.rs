//! The README's steps, as they are typed, in an empty folder and an empty home.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use crate::support::program::{Running, zoufang};
use crate::support::{AREAS, ASSIGNMENTS, STAFF, SUBJECTS};

/// The lines of the block that begins with this one, without what is said of them.
fn steps(first: &str) -> Vec<String> {
    let readme = include_str!("../../README.md");
    let blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let block = blocks.map(|(block, _)| block).find(|block| block.starts_with(first)).unwrap();
    let typed = |line: &str| line.split("  #").next().unwrap().trim().to_owned();
    block.lines().map(typed).collect()
}

/// Runs a line as a shell does, with the program on its path.
fn typed(line: &str, folder: &Path, listen: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_zoufang")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", program.display());
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", line]).current_dir(folder).env_clear();
    shell.env("PATH", path).env("HOME", folder).env("ZOUFANG__HTTP__LISTEN", listen);
    shell.output().unwrap()
}

#[test]
fn from_nothing_to_running_as_it_is_typed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, table) in [
        ("区划.csv", AREAS),
        ("走访人员.csv", STAFF),
        ("走访对象.csv", SUBJECTS),
        ("走访安排.csv", ASSIGNMENTS),
    ] {
        std::fs::write(folder.join(name), table).unwrap();
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let steps = steps("zoufang key");
    assert_eq!(steps.len(), 6, "{steps:?}");
    let mut service = None;
    for step in &steps {
        if step == "zoufang serve &" {
            let mut command = zoufang();
            command.arg("serve").current_dir(folder).env("ZOUFANG__HTTP__LISTEN", &free);
            service = Some(Running(command.stderr(std::process::Stdio::null()).spawn().unwrap()));
            continue;
        }
        let mut output = typed(step, folder, &free);
        // It takes a moment to be there.
        for _ in 0..600 {
            if service.is_none() || output.status.success() {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
            output = typed(step, folder, &free);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{step}: {said}{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
    assert!(service.is_some());
}
