//! What is a document, what is not and why, and what a document may cost.

use super::*;

fn label(bytes: &[u8]) -> Result<String, String> {
    read(bytes, |root| Ok(text(root, "name").unwrap_or_default())).map_err(|fault| fault.to_string())
}

fn check(bytes: impl AsRef<[u8]>, expect: &str) {
    assert_eq!(label(bytes.as_ref()).as_deref(), Ok(expect), "{}", beginning(bytes.as_ref()));
}

fn check_refused(bytes: impl AsRef<[u8]>, reason: &str) {
    assert_eq!(label(bytes.as_ref()).unwrap_err(), reason, "{}", beginning(bytes.as_ref()));
}

fn beginning(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(100).collect()
}

fn utf_16(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes_of).collect()
}

#[test]
fn text_is_what_stands_before_the_first_child_element() {
    check("<a><name>x<!-- c -->y<?p q?><![CDATA[<z>]]>&amp;<b>no</b>no</name><name>no</name></a>", "xy<z>&");
    check("<a><b><name>deeper</name></b></a>", "");
    check("<a><name>one&#xd;\r\ntwo\rthree</name></a>", "one\r\ntwo\nthree");
}

#[test]
fn an_element_in_a_namespace_has_another_name() {
    check("<a xmlns='urn:x'><name>no</name></a>", "");
    check("<a xmlns:x='urn:x'><x:name>no</x:name><name>yes</name></a>", "yes");
    check("<a xmlns=''><name>yes</name></a>", "yes");
    read(b"<x:a xmlns:x='urn:x'/>", |root| {
        assert_eq!(name(root), "{urn:x}a");
        Ok(())
    })
    .unwrap();
}

#[test]
fn documents_of_other_encodings_are_read_as_declared() {
    let declared = |label: &str, name: &[u8]| {
        [format!("<?xml version='1.0' encoding='{label}'?><a><name>").as_bytes(), name, b"</name></a>"].concat()
    };
    check(declared("UTF-8", "İlk".as_bytes()), "İlk");
    check(declared("ISO-8859-1", b"\xe9\x85"), "é\u{85}");
    check(declared("windows-1252", b"\x85"), "…");
    check(declared("windows-1254", b"\xdd"), "İ");
    check(b"\xEF\xBB\xBF<a><name>marked</name></a>", "marked");
    check(utf_16("\u{FEFF}<?xml version='1.0' encoding='UTF-16'?><a><name>İ</name></a>", u16::to_le_bytes), "İ");
    check(utf_16("\u{FEFF}<a><name>İ</name></a>", u16::to_be_bytes), "İ");
    check(utf_16("<a><name>İ</name></a>", u16::to_le_bytes), "İ");
}

#[test]
fn an_encoding_that_is_unknown_or_contradicted_is_refused() {
    let declared = |label: &str| format!("<?xml version='1.0' encoding='{label}'?><a/>");
    check_refused(declared("klingon"), "encoding \"klingon\" is unknown");
    check_refused(declared("shift_jis"), "encoding \"shift_jis\" is unknown");
    check_refused(declared("UTF-16"), "encoding \"UTF-16\" is declared, but the bytes are not UTF-16");
    let wide = utf_16(&format!("\u{FEFF}{}", declared("UTF-8")), u16::to_le_bytes);
    check_refused(wide, "encoding \"UTF-8\" is declared, but the bytes are UTF-16LE");
    check_refused(b"<a>\n<name>\xff</name></a>", "not well-formed XML at 2:7: bytes that are no UTF-8");
}

#[test]
fn files_that_are_no_documents_are_told_apart() {
    check_refused("", "empty file");
    check_refused([0; 469], "only zero bytes");
    check_refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git-lfs pointer");
    check_refused("export const x = 1;", "not well-formed XML at 1:1: unknown token");
    check_refused("\n\n", "not well-formed XML at 3:1: the document does not have a root node");
}

#[test]
fn conflict_markers_are_named_where_they_break_the_document() {
    check_refused("<<<<<<<< HEAD\n<a/>\n>>>>>>>> theirs\n", "merge conflict markers at line 1");
    check_refused("<a>\n<<<<<<< HEAD\n<b/>\n=======\n>>>>>>> x\n</a>", "merge conflict markers at line 2");
    check("<a><name><![CDATA[\n<<<<<<< HEAD]]></name></a>", "\n<<<<<<< HEAD");
}

#[test]
fn faults_are_named_with_their_place() {
    for (document, reason) in [
        ("<a>\n  <b></a>", "2:6: expected 'b' tag, not 'a'"),
        ("<a>", "1:4: the root node was opened but never closed"),
        ("<a/><b/>", "1:5: unknown token"),
        ("<a>&nbsp;</a>", "1:4: unknown entity reference 'nbsp'"),
        ("<a>&#xD800;</a>", "1:12: a reference to no character"),
        ("<a><:b/></a>", "1:4: a name that is not allowed"),
        ("<a>\n<?xml version='1.0'?></a>", "2:1: a name that is not allowed"),
        ("<?xml version='1.0' encoding=''?><a/>", "1:1: a faulty XML declaration"),
        ("\u{FEFF}\u{FEFF}<a/>", "1:1: a second byte order mark"),
        ("<a><x:b/></a>", "1:5: an unknown namespace prefix 'x'"),
    ] {
        check_refused(document, &format!("not well-formed XML at {reason}"));
    }
}

#[test]
fn a_document_type_is_refused_before_its_entities_are_looked_at() {
    let bomb = "<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY b 'c'><!ENTITY d '&b;&b;'>]>\n<a>&d;</a>";
    check_refused(bomb, "a document type declaration is refused (line 2)");
    check("<a><name><![CDATA[<!DOCTYPE a>]]></name><!-- <!DOCTYPE a> --></a>", "<!DOCTYPE a>");
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    check(nested(bounds::MAX_DEPTH), "");
    check_refused(nested(bounds::MAX_DEPTH + 1), "elements nested deeper than 64 (line 1)");
    check_refused("<a>".repeat(1_000_000), "more than 400000 tags");
}

#[test]
fn the_cost_of_a_document_is_bounded_whatever_its_size() {
    let attributes: String = (0..300).map(|number| format!(" a{number}=''")).collect();
    check_refused(format!("<a{attributes}/>"), "more than 256 attributes of one element");
    let namespaces: String = (0..300).map(|number| format!("<a xmlns:n{number}='urn:{number}'/>")).collect();
    check_refused(format!("<a>{namespaces}</a>"), "more than 256 mentions of xmlns");
    check_refused(format!("<a>{}</a>", "=".repeat(500_000)), "more than 400000 equals signs");
    check(format!("<a><name/>{}</a>", "<![CDATA[x]]>&lt;".repeat(100_000)), "");
    check_refused("<".repeat(399_999), "merge conflict markers at line 1");
    check_refused(format!("<a>{}", "<!--".repeat(399_999)), "not well-formed XML at 1:1600000: expected '-->'");
}
