//! What the repositories hold: sources that compress as sources do, and Katalon projects among them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

use anyhow::{Context, ensure};
use fastrand::Rng;
use suitesync_loopback::{Change, SampleRepository, clean_git};

/// The directory of the large repository that is linked.
pub(crate) const TESTS: &str = "quality/shop";

/// Cases of the project in [`TESTS`]; each has a script beside it, which a sync need not read.
const CASES: usize = 1_500;
const SUITES: usize = 50;
/// Lines of a static suite.
const ENTRIES: usize = 40;
/// Files of the large repository, the tests and their project file among them.
const FILES: usize = 20_000;
const SOURCES: usize = FILES - 2 * CASES - SUITES - 1;
const COMMITS: usize = 8_000;
const SOURCES_PER_FOLDER: usize = 20;
const FOLDERS_PER_AREA: usize = 20;
/// About what a file of a large code base has.
const LINES_PER_SOURCE: usize = 60;
const WORDS_PER_LINE: usize = 6;
/// Distinct words of all sources together.
const WORDS: u32 = 4_000;
/// The same repository every time.
const SEED: u64 = 20_000;

/// A project of a few files.
pub(crate) fn small() -> Vec<Change> {
    let cases: Vec<_> = (0..5).map(|number| format!("Test Cases/Area/Case {number}")).collect();
    let mut changes = vec![project(""), suite("", "Smoke", &cases)];
    changes.extend(cases.iter().map(|id| case("", id, "smoke")));
    changes
}

/// Fills an empty repository with 20,000 files in a first commit and edits of one file each in the others.
pub(crate) fn fill_large(repository: &SampleRepository) -> anyhow::Result<()> {
    let mut random = Rng::with_seed(SEED);
    let mut changes = tests();
    changes.extend((0..SOURCES).map(|number| Change::write(source_path(number), source(&mut random))));
    repository.commit("main", "Add everything", &changes)?;
    let mut import = clean_git()
        .arg("-C")
        .arg(repository.folder())
        .args(["fast-import", "--quiet", "--done"])
        .stdin(Stdio::piped())
        .spawn()?;
    let mut stream = import.stdin.take().context("git fast-import has no input")?;
    for number in 1..COMMITS {
        let text = source(&mut random);
        let path = source_path(random.usize(..SOURCES));
        let parent = if number == 1 { "from refs/heads/main^0\n" } else { "" };
        write!(
            stream,
            "commit refs/heads/main\ncommitter Ada <ada@sample.example> {} +0000\ndata 4\nEdit\n{parent}M 100644 \
             inline {path}\ndata {}\n{text}\n",
            1_700_000_000 + 60 * number,
            text.len(),
        )?;
    }
    stream.write_all(b"done\n")?;
    drop(stream);
    let status = import.wait()?;
    ensure!(status.success(), "git fast-import ended with {status}");
    Ok(())
}

/// Another content for one case of [`TESTS`], told apart by `number`.
pub(crate) fn edit(number: usize) -> Change {
    case(&format!("{TESTS}/"), &case_id(number), &format!("edited {number}"))
}

fn tests() -> Vec<Change> {
    let top = format!("{TESTS}/");
    let ids: Vec<_> = (0..CASES).map(case_id).collect();
    let mut changes = vec![project(&top)];
    for (number, id) in ids.iter().enumerate() {
        changes.push(case(&top, id, "nightly"));
        let script = id.replacen("Test Cases", "Scripts", 1);
        let text = format!(
            "import com.kms.katalon.core.webui.keyword.WebUiBuiltInKeywords as WebUI\n\nWebUI.click(findTestObject('Page_{number}/button'))\n"
        );
        changes.push(Change::write(format!("{top}{script}/Script{}.groovy", 1_600_000_000_000 + number), text));
    }
    let entries = |number: usize| ids.iter().cycle().skip(number * ENTRIES).take(ENTRIES).cloned().collect::<Vec<_>>();
    changes.extend((0..SUITES).map(|number| suite(&top, &format!("Suite {number}"), &entries(number))));
    changes
}

fn case_id(number: usize) -> String {
    format!("Test Cases/Area {}/Case {number}", number / 50)
}

fn project(top: &str) -> Change {
    let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Project>\n   <name>Shop</name>\n</Project>\n";
    Change::write(format!("{top}Shop.prj"), text)
}

/// A case as Katalon Studio writes it: most of it is the same in every case.
fn case(top: &str, id: &str, tag: &str) -> Change {
    let name = id.rsplit('/').next().unwrap_or(id);
    let guid = guid(id);
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TestCaseEntity>\n   <description>Steps of {name}</description>\n   \
         <name>{name}</name>\n   <tag>{tag}</tag>\n   <comment></comment>\n   <recordOption>OTHER</recordOption>\n   \
         <testCaseGuid>{guid}</testCaseGuid>\n   <variable>\n      <defaultValue>''</defaultValue>\n      \
         <description></description>\n      <id>{guid}</id>\n      <masked>false</masked>\n      <name>user</name>\n   \
         </variable>\n</TestCaseEntity>\n"
    );
    Change::write(format!("{top}{id}.tc"), text)
}

fn suite(top: &str, name: &str, cases: &[String]) -> Change {
    let mut links = String::new();
    for case in cases {
        let guid = guid(case);
        // Writing to a string cannot fail.
        let _ = write!(
            links,
            "   <testCaseLink>\n      <guid>{guid}</guid>\n      <isReuseDriver>false</isReuseDriver>\n      \
             <isRun>true</isRun>\n      <testCaseId>{case}</testCaseId>\n   </testCaseLink>\n"
        );
    }
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TestSuiteEntity>\n   <description></description>\n   \
         <name>{name}</name>\n   <tag></tag>\n   <isRerun>false</isRerun>\n{links}</TestSuiteEntity>\n"
    );
    Change::write(format!("{top}Test Suites/{name}.ts"), text)
}

/// Random by its looks, the same for the same id.
fn guid(id: &str) -> String {
    let seed = id.bytes().fold(SEED, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let digits = format!("{:032x}", Rng::with_seed(seed).u128(..));
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

fn source_path(number: usize) -> String {
    let folder = number / SOURCES_PER_FOLDER;
    format!("src/area{}/part{folder}/File{number}.java", folder / FOLDERS_PER_AREA)
}

fn source(random: &mut Rng) -> String {
    let mut text = String::new();
    for _ in 0..LINES_PER_SOURCE {
        text.push_str("    ");
        for _ in 0..WORDS_PER_LINE {
            // Small numbers are likelier, as common words are.
            let word = random.u32(..WORDS).min(random.u32(..WORDS));
            // Writing to a string cannot fail.
            let _ = write!(text, "word{word:x} ");
        }
        text.push('\n');
    }
    text
}
