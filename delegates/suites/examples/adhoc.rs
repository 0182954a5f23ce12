//! temporary
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::*;
use suitesync_contract::*;
use suitesync_suites::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (gd, rev, sub) = (&a[1], &a[2], &a[3]);
    let out = Command::new("git")
        .args(["--git-dir", gd, "ls-tree", "-r", "-t", "-z", "--full-tree", rev])
        .output()
        .unwrap()
        .stdout;
    let mut es = vec![];
    for e in out.split(|b| *b == 0) {
        if e.is_empty() {
            continue;
        }
        let t = e.iter().position(|b| *b == 9).unwrap();
        let m = std::str::from_utf8(&e[..t]).unwrap();
        let f: Vec<&str> = m.split(' ').collect();
        let kind = match (f[0], f[1]) {
            ("120000", _) => TreeEntryKind::Symlink,
            (_, "blob") => TreeEntryKind::File,
            (_, "tree") => TreeEntryKind::Directory,
            _ => TreeEntryKind::Submodule,
        };
        es.push(TreeEntry { path: e[t + 1..].to_vec(), id: f[2].parse().unwrap(), kind });
    }
    let t0 = std::time::Instant::now();
    let want = files_to_parse(&es, sub);
    let t1 = t0.elapsed();
    let mut ch = Command::new("git")
        .args(["--git-dir", gd, "cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut si = ch.stdin.take().unwrap();
    let w2 = want.clone();
    let h = std::thread::spawn(move || {
        for w in w2 {
            writeln!(si, "{}", w.blob).unwrap()
        }
    });
    let mut so = BufReader::new(ch.stdout.take().unwrap());
    let mut blobs: Vec<Option<Vec<u8>>> = vec![];
    for _ in &want {
        let mut l = String::new();
        so.read_line(&mut l).unwrap();
        let f: Vec<&str> = l.split_whitespace().collect();
        if f.len() < 3 {
            blobs.push(None);
            continue;
        }
        let n: usize = f[2].parse().unwrap();
        let mut b = vec![0; n + 1];
        so.read_exact(&mut b).unwrap();
        b.pop();
        blobs.push(Some(b));
    }
    h.join().unwrap();
    ch.wait().unwrap();
    let t2 = std::time::Instant::now();
    let mut n = 0;
    let mut map = HashMap::new();
    for (w, b) in want.iter().zip(&blobs) {
        if let Some(b) = b {
            let p = parse(w.kind, Content::Bytes(b));
            let p: Parse = p;
            map.insert((w.kind, w.blob), p);
            n += 1;
        }
    }
    let t3 = t2.elapsed();
    for p in map.values() {
        let s = serde_json::to_string(p).unwrap();
        assert_eq!(&serde_json::from_str::<Parse>(&s).unwrap(), p);
    }
    let t4 = std::time::Instant::now();
    let asked = std::cell::RefCell::new(vec![]);
    let d = discover(&es, sub, |k, b| {
        asked.borrow_mut().push((k, b));
        map.get(&(k, b))
    });
    let t5 = t4.elapsed();
    let named: std::collections::HashSet<_> = want.iter().map(|w| (w.kind, w.blob)).collect();
    assert_eq!(named.len(), want.len());
    for x in asked.borrow().iter() {
        assert!(named.contains(x));
    }
    eprintln!(
        "entries {} files_to_parse {:?} parsed {} in {:?} ({:.0}/s) discover {:?}",
        es.len(),
        t1,
        n,
        t3,
        n as f64 / t3.as_secs_f64(),
        t5
    );
    println!("{}", serde_json::to_string(&d).unwrap());
}
