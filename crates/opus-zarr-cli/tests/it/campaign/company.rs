//! Commands in two containers, and on two machines, that share a directory. Linux only.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use opus_zarr_testkit::{
    fast_folder, is_full_run,
    recordings::{MONO, stream_of},
    say_skipped,
    stream::Pages,
    tree::{drafts, visible},
};

use crate::support::{command_in, run_in};

/// In both, the command has process id 1.
#[test]
fn two_containers_share_a_store_and_a_directory_of_outputs() {
    let Some(contained) = containers() else { return };
    for round in 0..rounds() {
        let folder = fast_folder();
        files(folder.path(), "left", 0..FILES);
        files(folder.path(), "right", FILES / 2..FILES + FILES / 2);
        let import = |files: &str| {
            let args = ["import", "-r", files, "a.zarr", "--settle", "0"];
            contained(folder.path(), &args)
        };
        let [left, right] = [import("left"), import("right")].map(finished);
        assert_whole(folder.path(), FILES + FILES / 2, &format!("{round}: {left:?} {right:?}"));

        // One of two writers gets the file.
        let export = || contained(folder.path(), &["export", "a.zarr/0", "-o", "out.opus"]);
        let [left, right] = [export(), export()].map(|child| child.wait_with_output().unwrap());
        let codes = [left.status.code(), right.status.code()];
        assert!(matches!(codes, [Some(0), Some(1)] | [Some(1), Some(0)]), "{left:?} {right:?}");
    }
}

/// A writer that was killed in one container is not in the way in another.
#[test]
fn a_container_that_is_killed_leaves_the_directory_usable() {
    let Some(contained) = containers() else { return };
    for round in 0..rounds() {
        let folder = fast_folder();
        files(folder.path(), "left", 0..FILES);
        run_in(folder.path(), ["import", "left/0.opus", "a.zarr"]).exits(0);
        let verbs: [&[&str]; 2] = [
            &["import", "-r", "left", "a.zarr", "--settle", "0"],
            &["extract", "a.zarr/0", "-o", "out.wav"],
        ];
        for args in verbs {
            let mut child = contained(folder.path(), args);
            thread::sleep(Duration::from_millis(10 * u64::try_from(round % 7).unwrap()));
            // unshare passes it on.
            child.kill().unwrap();
            child.wait().unwrap();
            let again = contained(folder.path(), args).wait_with_output().unwrap();
            let stderr = String::from_utf8_lossy(&again.stderr);
            assert!(again.status.success() || stderr.contains("exists"), "{round}: {stderr}");
        }
        assert_eq!(visible(&folder.path().join("a.zarr")).len(), FILES);
        run_in(folder.path(), ["verify", "a.zarr"]).exits(0);
    }
}

/// A store in the lower layer of an overlay, as in the image of a container, whose directories cannot be
/// renamed.
#[test]
fn a_store_below_an_overlay_can_be_changed() {
    let folder = fast_folder();
    files(&folder.path().join("lower"), "files", 0..3);
    let lower = folder.path().join("lower");
    run_in(&lower, ["import", "-r", "files", "a.zarr"]).exits(0);
    for directory in ["upper", "merged"] {
        fs::create_dir(folder.path().join(directory)).unwrap();
    }
    let run = |script: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args([
            "--map-root-user",
            "--mount",
            "sh",
            "-ec",
            &format!("{OVERLAY}\n{script}"),
            "sh",
        ]);
        unshare.arg(folder.path()).arg(env!("CARGO_BIN_EXE_opus-zarr")).output()
    };
    match run("true") {
        Ok(output) if output.status.success() => {}
        other => return say_skipped(&format!("a store below an overlay: {other:?}")),
    }
    let output = run(CHANGES).unwrap();
    assert!(output.status.success(), "{output:?}");
    let listed = String::from_utf8(output.stdout).unwrap();
    assert!(listed.ends_with("\n2\ncopy\nmoved\nnew\n"), "{listed}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("error: the recording \"2\" in"), "{stderr}");
}

const OVERLAY: &str = r#"cd "$1" && mount -t tmpfs none upper && mkdir upper/upper upper/work &&
    mount -t overlay none -o userxattr,lowerdir=lower,upperdir=upper/upper,workdir=upper/work merged &&
    cd merged"#;
const CHANGES: &str = r#"oz=$2
    "$oz" rename a.zarr/0 moved
    "$oz" rm --yes a.zarr/1
    "$oz" copy a.zarr/2 a.zarr/copy
    "$oz" meta a.zarr/2 --set note=5
    "$oz" reindex a.zarr/2
    "$oz" sync --force a.zarr/2
    "$oz" import files/1.opus a.zarr --name new --settle 0
    ! "$oz" import files/0.opus a.zarr --name 2 --replace --settle 0
    "$oz" verify a.zarr
    ls -A a.zarr | grep -v zarr.json"#;

/// Two mounts of one directory by sshfs, between which no lock works.
#[test]
fn two_mounts_of_a_network_directory_share_a_store() {
    if !is_full_run() {
        return;
    }
    let folder = fast_folder();
    let server = match Server::start(folder.path()) {
        Ok(server) => server,
        Err(why) => return say_skipped(&format!("two mounts of a directory: {why}")),
    };
    for round in 0..3 {
        let shared = folder.path().join(format!("shared/{round}"));
        files(&shared, "left", 0..FILES);
        files(&shared, "right", FILES / 2..FILES + FILES / 2);
        let mounts = [0, 1].map(|number| server.mount(&shared, &format!("mount-{round}-{number}")));
        // Both see the store before the first writes.
        run_in(&mounts[0].0, ["import", "left/0.opus", "a.zarr"]).exits(0);
        let import = |mount: &Mount, files| {
            let args = ["import", "-r", files, "a.zarr", "--settle", "0"];
            spawn(command_in(&mount.0).args(args))
        };
        let [left, right] = [import(&mounts[0], "left"), import(&mounts[1], "right")].map(finished);
        assert_whole(&shared, FILES + FILES / 2, &format!("{round}: {left:?} {right:?}"));

        files(&shared, "more", 2 * FILES..3 * FILES);
        let more = import(&mounts[0], "more");
        let gone: Vec<String> = (0..FILES).map(|number| format!("a.zarr/{number}")).collect();
        run_in(&mounts[1].0, ["rm".to_owned(), "--yes".to_owned()].into_iter().chain(gone))
            .exits(0);
        let more = finished(more);
        assert_whole(&shared, FILES + FILES / 2, &format!("{round}: {more:?}"));
    }
}

const FILES: usize = 30;

fn rounds() -> usize {
    if is_full_run() { 60 } else { 1 }
}

/// Asserts that a store holds this many recordings, all of them whole.
fn assert_whole(folder: &Path, count: usize, what: &str) {
    let store = folder.join("a.zarr");
    assert_eq!(visible(&store).len(), count, "{what}");
    assert_eq!(drafts(&store), Vec::<String>::new(), "{what}");
    run_in(folder, ["verify", "a.zarr"]).exits(0);
}

/// Makes files that differ in length.
fn files(folder: &Path, directory: &str, numbers: std::ops::Range<usize>) {
    let directory = folder.join(directory);
    fs::create_dir_all(&directory).unwrap();
    for number in numbers {
        let stream = stream_of(MONO).shortened(10 + number);
        fs::write(directory.join(format!("{number}.opus")), stream.write(Pages::OfOneSecond))
            .unwrap();
    }
}

/// Returns a function that starts the command in a container; says so if there are none.
fn containers() -> Option<impl Fn(&Path, &[&str]) -> Child> {
    let contained = |command: &Command| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"]);
        unshare.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
        unshare
    };
    let why = match contained(&Command::new("true")).output() {
        Ok(output) if output.status.success() => {
            return Some(move |folder: &Path, args: &[&str]| {
                spawn(contained(command_in(folder).args(args)).current_dir(folder))
            });
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    say_skipped(&format!("containers that share a directory: unshare: {why}"));
    None
}

fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for a child, which must succeed.
fn finished(child: Child) -> Output {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// An SSH server on this machine.
struct Server {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Server {
    fn start(folder: &Path) -> Result<Self, String> {
        succeeds(Command::new("sshfs").arg("--version"))?;
        let key = |name: &str| {
            let mut keygen = Command::new("ssh-keygen");
            succeeds(keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(folder.join(name)))
        };
        key("host")?;
        key("user")?;
        let port = free_port().map_err(|error| error.to_string())?;
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {0}/host\nAuthorizedKeysFile {0}/user.pub\n\
             PidFile none\nStrictModes no\nUsePAM no\nSubsystem sftp internal-sftp\n",
            folder.display()
        );
        fs::write(folder.join("config"), config).unwrap();
        let _ = fs::create_dir("/run/sshd"); // where sshd wants it, if we may
        let sshd = || {
            let mut sshd = Command::new("/usr/sbin/sshd");
            sshd.arg("-f").arg(folder.join("config"));
            sshd
        };
        succeeds(sshd().arg("-t"))?;
        let child = sshd().arg("-D").stderr(Stdio::null()).spawn();
        let child = child.map_err(|error| error.to_string())?;
        fs::create_dir(folder.join("shared")).unwrap();
        let server = Self { child, folder: folder.to_owned(), port };
        fs::create_dir(folder.join("shared/probe")).unwrap();
        let is_up = || server.try_mount(&folder.join("shared/probe"), "probe").map(drop);
        let mut result = is_up();
        for _ in 0..20 {
            if result.is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
            result = is_up();
        }
        result.map(|()| server)
    }

    fn mount(&self, directory: &Path, name: &str) -> Mount {
        self.try_mount(directory, name).unwrap()
    }

    fn try_mount(&self, directory: &Path, name: &str) -> Result<Mount, String> {
        let place = self.folder.join(name);
        let _ = fs::create_dir(&place);
        let key = self.folder.join("user");
        let user = Command::new("id").arg("-un").output().map_err(|error| error.to_string())?;
        let user = String::from_utf8_lossy(&user.stdout).trim().to_owned();
        let options = format!(
            "port={},IdentityFile={},StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null,\
             LogLevel=ERROR,BatchMode=yes,idmap=user",
            self.port,
            key.display()
        );
        let source = format!("{user}@127.0.0.1:{}", directory.display());
        succeeds(Command::new("sshfs").args(["-o", &options, &source]).arg(&place))?;
        Ok(Mount(place))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A mounted directory.
struct Mount(PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("fusermount3").args(["-u", "-z"]).arg(&self.0).status();
    }
}

fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{program}: {error}")),
    }
}
