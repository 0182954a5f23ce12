//! temporary
use std::time::Instant;
use suitesync_suites::*;
fn main() {
    let m = 16usize << 20;
    let rep = |s: &str, n: usize| s.repeat(n.min(m / s.len()));
    let attrs: String = (0..255).map(|i| format!(" a{i}=''")).collect();
    let ns: String = (0..255).map(|i| format!(" xmlns:n{i}='u{i}'")).collect();
    let cases: Vec<(&str, String)> = vec![
        ("open", rep("<a>", 9_999_999)),
        ("<", rep("<", m)),
        ("=", rep("=", m)),
        ("tags399k", format!("<a>{}</a>", rep("<b/>", 399_000))),
        ("pairs", format!("<a>{}</a>", rep("<b>x</b>", 199_000))),
        ("amp", format!("<a>{}</a>", rep("&lt;", m))),
        ("amp2", rep("&", m)),
        ("cdata", format!("<a>{}</a>", rep("<![CDATA[x]]>", 399_000))),
        ("attrs", format!("<a>{}</a>", rep(&format!("<b{attrs}/>"), 1560))),
        ("ns1", format!("<r{ns}>{}</r>", rep("<n254:b/>", 399_000))),
        ("ns2", format!("<r{}>{}</r>", ns, rep("<n254:b n254:c='' />", 399_000))),
        ("comment", format!("<a>{}", rep("<!-- ", m))),
        ("cdataopen", format!("<a>{}", rep("<![CDATA[", m))),
        ("longtext", format!("<a>{}</a>", rep("x", m - 10))),
        ("longname", format!("<{0}></{0}>", rep("x", m / 2 - 10))),
        ("nuls", rep("\0", m)),
        ("nl", format!("{}<a>", rep("\n", m - 4))),
        ("quote", format!("<a b='{}", rep("x", m - 10))),
        ("pi", format!("<a>{}", rep("<?p ", m))),
        ("cr", format!("<a>{}</a>", rep("\r", m - 10))),
        ("longattr", format!("<a b='{}'/>", rep("&#65;", m - 10))),
        ("uni", format!("<a>{}</a>", rep("İ", m - 10))),
        (
            "links",
            format!(
                "<TestSuiteEntity>{}</TestSuiteEntity>",
                rep("<testCaseLink><testCaseId>Test Cases/x</testCaseId></testCaseLink>", 99_000)
            ),
        ),
        ("desc", format!("<TestCaseEntity><description>{}</description></TestCaseEntity>", rep("x&#10;", m - 100))),
    ];
    for (n, c) in &cases {
        for k in [FileKind::Case, FileKind::Suite] {
            let t = Instant::now();
            let p = parse(k, Content::Bytes(c.as_bytes()));
            let d = t.elapsed();
            let s = format!("{p:?}");
            println!("{n:10} {:>9} bytes {:?} {}", c.len(), d, s.chars().take(110).collect::<String>());
            if n != &"links" {
                break;
            }
        }
    }
    let mut s = String::new();
    for l in std::fs::read_to_string("/proc/self/status").unwrap().lines() {
        if l.starts_with("VmHWM") {
            s = l.into()
        }
    }
    println!("{s}");
}
