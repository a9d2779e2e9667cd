//! What starts a whole network on one machine: a shell script, and a file for Docker Compose.

use std::fmt::Write;

use serde_json::json;

/// A script that starts every node and ends them all when it is told to end. `homes` are folders beside it.
pub(super) fn start_script(program: &str, homes: &[&str]) -> String {
    let names = homes.join(" ");
    format!(
        r#"#!/bin/sh
# Starts all nodes of this network, each with its log in node.log of its home, and waits.
# Ctrl-C or SIGTERM ends them all; a second one ends them by force.
# Another binary than the one that made this network: ESKER=/path/to/esker ./start.sh
set -u
cd "$(dirname "$0")" || exit 3
ESKER=${{ESKER:-{program}}}
command -v "$ESKER" >/dev/null || {{ echo "there is no program $ESKER: set ESKER to the binary esker" >&2; exit 3; }}

pids=
# Words, not one word: one process id each.
end() {{
  trap 'kill -KILL $pids 2>/dev/null' INT TERM
  kill -TERM $pids 2>/dev/null
  # A signal interrupts waiting.
  for pid in $pids; do while kill -0 "$pid" 2>/dev/null; do wait "$pid" 2>/dev/null; done; done
  exit 0
}}
trap end INT TERM HUP

for home in {names}; do
  "$ESKER" node --home "$home" >>"$home/node.log" 2>&1 &
  pids="$pids $!"
  echo "$home runs as process $!; its log is $home/node.log"
done
wait
echo "all nodes have ended by themselves: see their logs" >&2
exit 3
"#,
        program = shell_quoted(program),
    )
}

/// A text as one word of a shell, also inside `${NAME:-…}` outside quotes.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A file for Docker Compose that runs every node as the user that wrote it. `homes` are folders beside it.
pub(super) fn compose_file(program: &str, homes: &[&str], user: (u32, u32)) -> String {
    let mut text = String::from(
        r#"# All nodes of this network in containers: `docker compose up` in this folder, `docker compose down` to end them.
#
# The network is the host's, since the homes' settings name its addresses and ports; so do not run start.sh meanwhile.
# The binary is mounted into a plain image of a distribution instead of being built into one: it is the binary that made
# this network. Set ESKER to mount another, such as one for the image's libc: ESKER=/path/to/esker docker compose up
services:
"#,
    );
    // `$` begins a variable in these files. JSON's texts are YAML's.
    let program = program.replace('$', "$$");
    for name in homes {
        let binary = json!(format!("${{ESKER:-{program}}}:/usr/local/bin/esker:ro"));
        let home = json!(format!("./{name}:/home/{name}"));
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            r#"  {name}:
    image: debian:stable-slim
    network_mode: host
    user: "{uid}:{gid}"
    init: true
    stop_grace_period: 15s
    volumes:
      - {binary}
      - {home}
    command: ["esker", "node", "--home", "/home/{name}"]
"#,
            uid = user.0,
            gid = user.1,
        );
    }
    text
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::process::{Command, Stdio};

    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn words_survive_the_shell() {
        for text in ["/usr/bin/esker", "a b", "it's $HOME `x` \"y\" \\ }", "ü"] {
            let script = format!("unset ESKER; ESKER=${{ESKER:-{}}}; printf %s \"$ESKER\"", shell_quoted(text));
            let output = Command::new("sh").args(["-c", &script]).output().expect("there is a shell");
            assert_eq!(String::from_utf8_lossy(&output.stdout), text, "{output:?}");
        }
    }

    /// A network whose nodes say how they were started and then wait to be told to end.
    fn network(node: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = folder.path().join("it's a node");
        fs::write(&program, format!("#!/bin/sh\n{node}\n")).expect("writable");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("it is ours");
        for home in ["node0", "node1"] {
            fs::create_dir(folder.path().join(home)).expect("writable");
        }
        let script = start_script(program.to_str().expect("text"), &["node0", "node1"]);
        fs::write(folder.path().join("start.sh"), script).expect("writable");
        folder
    }

    fn log(folder: &std::path::Path, home: &str) -> String {
        fs::read_to_string(folder.join(home).join("node.log")).unwrap_or_default()
    }

    #[test]
    fn the_script_starts_all_and_ends_all() {
        let folder = network("trap 'echo ended; exit 0' TERM\necho \"started $*\"\nwhile :; do sleep 0.05; done");
        let mut script = Command::new("sh")
            .arg(folder.path().join("start.sh"))
            .env_remove("ESKER")
            .stdout(Stdio::null())
            .spawn()
            .expect("there is a shell");
        while !["node0", "node1"].iter().all(|home| log(folder.path(), home).contains("started")) {
            assert!(script.try_wait().expect("it is ours").is_none(), "the script ended too early");
            std::thread::yield_now();
        }
        let pid = rustix::process::Pid::from_child(&script);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        assert_eq!(script.wait().expect("it is ours").code(), Some(0));
        for home in ["node0", "node1"] {
            assert_eq!(log(folder.path(), home), format!("started node --home {home}\nended\n"));
        }
    }

    #[test]
    fn the_script_says_so_when_all_ended_by_themselves_or_none_can_start() {
        let folder = network("exit 1");
        let run = |command: &mut Command| command.output().expect("there is a shell");
        let output = run(Command::new("sh").arg(folder.path().join("start.sh")).env_remove("ESKER"));
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("ended by themselves"), "{output:?}");
        let output = run(Command::new("sh").arg(folder.path().join("start.sh")).env("ESKER", "/nonexistent/esker"));
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("set ESKER"), "{output:?}");
    }

    #[test]
    fn the_compose_file_mounts_binary_and_homes() {
        let text = compose_file("/opt/$a/esker", &["node0", "node1"], (1000, 100));
        assert!(text.contains("\"${ESKER:-/opt/$$a/esker}:/usr/local/bin/esker:ro\""), "{text}");
        for line in ["  node1:", "    network_mode: host", "    user: \"1000:100\"", "      - \"./node1:/home/node1\""]
        {
            assert!(text.lines().any(|written| written == line), "{line}: {text}");
        }
    }
}
