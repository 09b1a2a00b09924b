//! The real process and clients that mean it no good, over raw sockets: whatever they do, others are answered, and memory and
//! descriptors stay flat.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::postgres::free_port;
use crate::support::program::Running;

const UPLOADS: &str = "h7Jd2KpVw0sQz5RtYb3M";
/// So many may be connected.
const CONNECTIONS: usize = 64;

/// Descriptors that come and go by themselves, such as the database's.
const SLACK: usize = 12;

/// A service with short patience.
struct Service {
    address: String,
    process: Running,
    _dir: TempDir,
}

impl Service {
    fn start(more: &str) -> Service {
        let dir = tempfile::tempdir().unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let text = format!(
            "[http]\nlisten = '{address}'\nconnections = {CONNECTIONS}\nheader_time = '1s'\nidle_time = '1s'\n\
             request_time = '2s'\n{more}\n[platform.returns]\nsecret = '{UPLOADS}'\n"
        );
        std::fs::write(dir.path().join("zoufang.toml"), text).unwrap();
        std::fs::write(dir.path().join("zoufang.key"), "07".repeat(32)).unwrap();
        let process = Running::start(&["serve", "--config", "zoufang.toml"], dir.path(), "log");
        let service = Service { address, process, _dir: dir };
        let began = Instant::now();
        while !service.answers("/readyz") {
            assert!(began.elapsed() < Duration::from_secs(120), "{}", service.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        // The connections to the database that pages need.
        for _ in 0..8 {
            service.stands();
        }
        service
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self._dir.path().join("log")).unwrap()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// What is answered to these bytes, until the service hangs up.
    fn say(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        heard(&mut stream)
    }

    /// Whether an ordinary reader is answered well, and in time.
    fn answers(&self, path: &str) -> bool {
        let Ok(mut stream) = TcpStream::connect(&self.address) else { return false };
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).is_ok()
            && heard(&mut stream).starts_with("HTTP/1.1 200")
    }

    fn stands(&self) {
        for path in ["/healthz", "/", "/status"] {
            assert!(self.answers(path), "{path}: {}", self.log());
        }
    }

    /// How many descriptors the process has open.
    fn descriptors(&self) -> usize {
        let of = format!("/proc/{}/fd", self.process.0.id());
        std::fs::read_dir(of).unwrap().count()
    }

    /// How much memory it has, in MiB.
    fn memory(&self) -> usize {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
    }
}

/// All that comes until the other side hangs up, however it does.
fn heard(stream: &mut TcpStream) -> String {
    let (mut all, mut some) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut some) {
            Ok(0) => break,
            Ok(count) => all.extend_from_slice(&some[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// The head of an upload.
fn upload(secret: Option<&str>, length: &str) -> String {
    let secret = secret.map(|secret| format!("authorization: Bearer {secret}\r\n"));
    format!(
        "POST /platform/returns HTTP/1.1\r\nhost: localhost\r\n{}{length}\r\n\r\n",
        secret.unwrap_or_default()
    )
}

/// Whether the service has hung up on this one.
fn is_hung_up(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let hung_up = match stream.read(&mut [0; 64]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    };
    stream.set_nonblocking(false).unwrap();
    hung_up
}

#[test]
fn who_waits_without_end_stands_in_nobodys_way() {
    let service = Service::start("");
    let before = service.descriptors();
    for half in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: localhost\r\nx-a: "] {
        let mut crowd: Vec<TcpStream> = (0..1_010)
            .map(|_| {
                let mut stream = service.connect();
                let _ = stream.write_all(half.as_bytes());
                stream
            })
            .collect();
        service.stands();
        assert!(service.descriptors() < before + CONNECTIONS + 40, "{}", service.descriptors());
        // None of them is waited for longer than a request's head may take.
        let began = Instant::now();
        while !crowd.iter_mut().all(is_hung_up) {
            assert!(began.elapsed() < Duration::from_secs(60), "{half:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    assert!(service.descriptors() <= before + SLACK, "{before} {}", service.descriptors());
}

#[test]
fn a_head_that_drips_or_floods_ends() {
    let service = Service::start("");
    // A byte now and then doesn't keep it open.
    let (mut slow, began) = (service.connect(), Instant::now());
    let _ = slow.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ");
    while !is_hung_up(&mut slow) {
        assert!(began.elapsed() < Duration::from_secs(60));
        let _ = slow.write_all(b"a");
        std::thread::sleep(Duration::from_millis(50));
    }
    let memory = service.memory();
    let long = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-a: {}\r\n\r\n", "a".repeat(1 << 20));
    let many = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x-a: b\r\n".repeat(5_000));
    let address = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(1 << 20));
    for flood in [&long, &many, &address] {
        for _ in 0..50 {
            let answer = service.say(flood.as_bytes());
            let refused = ["", "HTTP/1.1 431", "HTTP/1.1 414", "HTTP/1.1 400"];
            assert!(refused.iter().any(|head| answer.starts_with(head)), "{answer}");
            assert!(!answer.contains("200 OK"), "{answer}");
        }
    }
    service.stands();
    assert!(service.memory() < memory + 32, "{memory} {}", service.memory());
}

#[test]
fn nothing_is_read_of_whoever_does_not_know_the_secret() {
    let service = Service::start("");
    let before = (service.descriptors(), service.memory());
    let mebibyte = vec![b'a'; 1 << 20];
    // Sixty uploads at once, each as large as one may be.
    let answers: Vec<String> = std::thread::scope(|scope| {
        let uploading: Vec<_> = (0..60)
            .map(|_| {
                scope.spawn(|| {
                    let mut stream = service.connect();
                    let head = upload(None, &format!("content-length: {}", 16 << 20));
                    let mut sent = stream.write_all(head.as_bytes());
                    for _ in 0..16 {
                        sent = sent.and_then(|()| stream.write_all(&mebibyte));
                    }
                    let _ = stream.shutdown(Shutdown::Write);
                    heard(&mut stream)
                })
            })
            .collect();
        uploading.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let told = answers.iter().filter(|answer| answer.starts_with("HTTP/1.1 401")).count();
    assert!(told > 20, "{told} were told: {answers:?}");
    assert!(!answers.iter().any(|answer| answer.contains("200 OK")));
    assert!(service.memory() < before.1 + 48, "{before:?} {}", service.memory());
    // Before a byte of it came.
    let answer = service.say(upload(None, "content-length: 1000000").as_bytes());
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("www-authenticate: Bearer"));
    let chunked = upload(None, "transfer-encoding: chunked");
    assert!(service.say(chunked.as_bytes()).starts_with("HTTP/1.1 401"));
    service.stands();
    let began = Instant::now();
    while service.descriptors() > before.0 + SLACK {
        assert!(began.elapsed() < Duration::from_secs(60), "{before:?} {}", service.descriptors());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_body_is_what_comes_and_not_what_was_said_of_it() {
    let service = Service::start("");
    let memory = service.memory();
    // Less than was said: it's waited for, for as long as a request may take.
    let began = Instant::now();
    let less = format!("{}对", upload(Some(UPLOADS), "content-length: 1000000"));
    let answer = service.say(less.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("请检查网络"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(60));
    // More than is ever taken: it isn't waited for.
    for length in ["content-length: 99999999999", "content-length: 16777217"] {
        let answer = service.say(upload(Some(UPLOADS), length).as_bytes());
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }
    // Two lengths, and one that isn't any.
    for lie in [
        "content-length: 1\r\ncontent-length: 2",
        "content-length: -1",
        "content-length: 1\r\ntransfer-encoding: chunked",
    ] {
        let answer = service.say(format!("{}a", upload(Some(UPLOADS), lie)).as_bytes());
        assert!(!answer.starts_with("HTTP/1.1 200"), "{lie}: {answer}");
    }
    // Chunks without end.
    let mut endless = service.connect();
    endless.write_all(upload(Some(UPLOADS), "transfer-encoding: chunked").as_bytes()).unwrap();
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    let mut sent = 0;
    while sent < 64 << 20 && endless.write_all(chunk.as_bytes()).is_ok() {
        sent += chunk.len();
    }
    let answer = heard(&mut endless);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    // Who never reads what they asked for is let go.
    let before = service.descriptors();
    let asking = "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(2_000);
    let mut deaf: Vec<TcpStream> = (0..20)
        .map(|_| {
            let stream = service.connect();
            stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
            let _ = (&stream).write_all(asking.as_bytes());
            stream
        })
        .collect();
    service.stands();
    let began = Instant::now();
    while service.descriptors() > before + SLACK {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", service.descriptors());
        std::thread::sleep(Duration::from_millis(100));
    }
    deaf.clear();
    service.stands();
    assert!(service.memory() < memory + 96, "{memory} {}", service.memory());
}

#[test]
fn guesses_are_slowed_by_address_and_by_the_one_that_a_proxy_names() {
    let service = Service::start("trusted_proxies = ['127.0.0.1']");
    let guess = |address: &str, secret: &str| {
        let more = format!("content-length: 1\r\nconnection: close\r\nx-forwarded-for: {address}");
        let answer = service.say(format!("{}a", upload(Some(secret), &more)).as_bytes());
        answer.split_whitespace().nth(1).unwrap_or_default().to_owned()
    };
    let answers: Vec<String> =
        (0..8).map(|n| guess("198.51.100.7", &format!("guess {n}"))).collect();
    assert_eq!(answers[..5], ["401"; 5], "{answers:?}");
    assert_eq!(answers[5..], ["429"; 3], "{answers:?}");
    // Whoever waits isn't told whether this one would have been right.
    assert_eq!(guess("198.51.100.7", UPLOADS), "429");
    // What stands before is what the caller wrote.
    assert_eq!(guess("1.2.3.4, 198.51.100.7", UPLOADS), "429");
    assert_eq!(guess("198.51.100.8", UPLOADS), "422");
    let log = service.log();
    assert!(log.contains("auth.refused") && log.contains("198.51.100.7"), "{log}");
    assert!(!log.contains("guess 0") && !log.contains(UPLOADS));
}

/// TLS by files, from outside: its certificate, its renewal, its end on the status.
#[test]
fn tls_by_files_and_a_renewal_without_a_restart() {
    for program in ["openssl", "curl"] {
        if std::process::Command::new(program).arg("version").output().is_err() {
            println!("skipped: there's no {program} here");
            return;
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    write_pair(&cert, &key, "first.example");
    let tls = format!("tls_cert = '{}'\ntls_key = '{}'", cert.display(), key.display());
    let service = Tls::start(&tls);
    assert!(service.shown().contains("first.example"), "{}", service.shown());
    let (code, said) = service.curl("/readyz", &cert, "first.example");
    assert_eq!((code, said.as_str()), (0, "ready\n"));
    let status = service.status();
    assert!(status.contains("网站证书：") && status.contains("到期"), "{status}");
    write_pair(&cert, &key, "second.example");
    service.hang_up();
    let began = Instant::now();
    while !service.shown().contains("second.example") {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(service.status().contains("网站证书："));
    // In the clear nothing is said, and a half handshake ends by itself.
    let mut clear = TcpStream::connect(&service.address).unwrap();
    clear.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    clear.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    assert!(!heard(&mut clear).contains("HTTP/1.1"));
    let mut half = TcpStream::connect(&service.address).unwrap();
    half.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    half.write_all(&[0x16, 3, 1, 2]).unwrap();
    assert_eq!(heard(&mut half), "");
}

fn write_pair(cert: &Path, key: &Path, name: &str) {
    let own = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    std::fs::write(cert, parameters.self_signed(&own).unwrap().pem()).unwrap();
    std::fs::write(key, own.serialize_pem()).unwrap();
}

/// A service that speaks TLS.
struct Tls {
    address: String,
    process: Running,
    dir: TempDir,
}

impl Tls {
    fn start(tls: &str) -> Tls {
        let dir = tempfile::tempdir().unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let hosts = "allowed_hosts = ['first.example', 'second.example']";
        let text = format!(
            "[http]\nlisten = '{address}'\nheader_time = '1s'\n{hosts}\n{tls}\n[log]\nformat = 'json'\n"
        );
        std::fs::write(dir.path().join("zoufang.toml"), text).unwrap();
        std::fs::write(dir.path().join("zoufang.key"), "07".repeat(32)).unwrap();
        let process = Running::start(&["serve", "--config", "zoufang.toml"], dir.path(), "log");
        let service = Tls { address, process, dir };
        let began = Instant::now();
        while !service.status().contains("zoufang ") {
            assert!(began.elapsed() < Duration::from_secs(120), "{}", service.status());
            std::thread::sleep(Duration::from_millis(100));
        }
        service
    }

    /// What `openssl s_client` is shown.
    fn shown(&self) -> String {
        let output = std::process::Command::new("openssl")
            .args(["s_client", "-connect", &self.address, "-brief", "-showcerts"])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    fn curl(&self, path: &str, ca: &Path, name: &str) -> (i32, String) {
        let (host, port) = self.address.split_once(':').unwrap();
        let output = std::process::Command::new("curl")
            .args(["--silent", "--show-error", "--noproxy", "*", "--cacert"])
            .arg(ca)
            .args(["--resolve", &format!("{name}:{port}:{host}")])
            .arg(format!("https://{name}:{port}{path}"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code().unwrap_or(-1), said)
    }

    fn status(&self) -> String {
        let (_, said, wrong) =
            crate::support::program::run(&["status", "--config", "zoufang.toml"], self.dir.path());
        said + &wrong
    }

    fn hang_up(&self) {
        let pid = self.process.0.id().to_string();
        let told = std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap();
        assert!(told.success());
    }
}
