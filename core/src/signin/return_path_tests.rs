use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::*;

const ORIGINS: [&str; 3] = ["https://gateway.example", "https://gateway.example:8443", "http://localhost:8080"];

/// What hostile paths are made of.
const PIECES: [&str; 44] = [
    "/",
    "//",
    "\\",
    ".",
    "..",
    "/./",
    "/../",
    ":",
    "@",
    "?",
    "#",
    "&",
    ";",
    "%",
    "%2f",
    "%2F",
    "%5c",
    "%2e",
    "%09",
    "%0a",
    "%0d%0a",
    "%25",
    "%00",
    "\t",
    "\n",
    "\r",
    "\0",
    " ",
    "\u{a0}",
    "\u{200b}",
    "\u{2028}",
    "\u{ff0f}",
    "\u{ff0e}",
    "\u{3002}",
    "http:",
    "https://",
    "javascript:",
    "data:",
    "evil.example",
    "user:password@",
    "oauth2",
    "usage",
    "[::1]",
    "\u{e9}",
];

fn from(asked: &str) -> String {
    return_path(&Url::parse(ORIGINS[0]).unwrap(), Some(asked))
}

/// Checks that a browser that is sent to `path` stays, and sees no other path in it than we do.
fn assert_stays(path: &str, asked: &str) {
    for origin in ORIGINS {
        let origin = Url::parse(origin).unwrap();
        let url = origin.join(path).unwrap();
        assert_eq!(url.origin(), origin.origin(), "{asked:?}");
        assert_eq!((url.username(), url.password()), ("", None), "{asked:?}");
        assert_eq!(&url[Position::BeforePath..], path, "{asked:?}");
    }
    assert!(path.len() <= MAX_PATH && path.bytes().all(|byte| byte.is_ascii_graphic()), "{asked:?}: {path:?}");
    assert!(!path.starts_with("/oauth2/"), "{asked:?}");
    assert_eq!(from(path), path, "{asked:?}: what was accepted is accepted again");
}

#[test]
fn keeps_paths_on_this_origin() {
    for path in ["/", "/usage", "/usage?from=1&to=2", "/a/b?next=%2Fc", "/a%20b", "/usage?q=a@b//c"] {
        assert_eq!(from(path), path);
        assert_stays(path, path);
    }
}

#[test]
fn sends_home_who_asked_for_nothing() {
    assert_eq!(return_path(&Url::parse("https://gateway.example").unwrap(), None), "/");
}

/// Checks that these lead to the front door.
fn assert_home(hostile: &[&str]) {
    for asked in hostile {
        assert_eq!(from(asked), "/", "{asked:?}");
    }
}

#[test]
fn sends_home_what_is_no_path() {
    assert_home(&[
        "",
        "usage",
        "?next=/usage",
        "#/usage",
        "./usage",
        "../usage",
        "@evil.example",
        ":8080/usage",
        "evil.example",
        " /usage",
        "\u{feff}/usage",
        "\u{a0}/usage",
    ]);
}

#[test]
fn sends_home_other_schemes_and_hosts() {
    assert_home(&[
        "https://evil.example/",
        "HTTPS://evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "https:\\\\evil.example",
        "http://gateway.example/",
        "https://gateway.example@evil.example/",
        "https://gateway.example:x@evil.example/",
        "https://gateway.example.evil.example/",
        "https://gateway.example:444/",
        "https://evil.example#gateway.example",
        "https://evil.example?gateway.example",
        "https://gateway.example\\.evil.example/",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "java\nscript:alert(1)",
        "\u{1}javascript:alert(1)",
        "javascript://gateway.example/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "file:///etc/passwd",
        "blob:https://gateway.example/1",
        "ftp://evil.example",
        "h\tttps://evil.example",
        "//\tevil.example",
    ]);
}

#[test]
fn sends_home_what_is_relative_to_the_scheme() {
    assert_home(&[
        "//",
        "//evil.example",
        "//evil.example/%2f..",
        "///evil.example",
        "////evil.example",
        "//evil.example@gateway.example/",
        "//user:password@evil.example",
        "//[::1]/",
        "//0x7f000001",
        "//evil%E3%80%82example",
        "/\\evil.example",
        "\\/evil.example",
        "\\\\evil.example",
        "/\\/evil.example",
        "/a\\..\\..\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r/evil.example",
        "\t//evil.example",
        "/usage\t",
        "/..//evil.example",
        "/.//evil.example",
        "/a/..//evil.example",
        "/;//evil.example",
        "/usage//",
        "/@evil.example",
        "/user:password@evil.example",
    ]);
}

#[test]
fn sends_home_what_is_encoded_once_or_twice() {
    assert_home(&[
        "/%2f/evil.example",
        "/%2Fevil.example",
        "/%2f%2fevil.example",
        "/%5cevil.example",
        "/%5C/evil.example",
        "/%2e%2e//evil.example",
        "/%2E%2E/admin",
        "/.%2e/admin",
        "/%2e",
        "/%09/evil.example",
        "/%0d%0aSet-Cookie:a=b",
        "/%0aLocation:%20https://evil.example",
        "/%00/evil.example",
        "/%1b[2J",
        "/%7f",
        "/%2509/evil.example",
        "/%252f/evil.example",
        "/%255cevil.example",
        "/%25252fevil.example",
    ]);
}

#[test]
fn sends_home_characters_that_end_a_line_a_text_or_a_header() {
    assert_home(&[
        "/a\r\nSet-Cookie: a=b",
        "/a?b\r\nSet-Cookie: a=b",
        "/a#b\r\nSet-Cookie: a=b",
        "/a\0",
        "/a\u{7f}b",
        "/a\u{85}b",
        "/a\u{2028}b",
        "/a\u{2029}b",
        "/a\u{b}b",
        "/a\u{c}b",
        "/a b",
        "/usage?q=\\evil.example",
    ]);
}

#[test]
fn sends_home_who_would_start_over_or_be_signed_out() {
    assert_home(&[
        "/oauth2/start",
        "/oauth2/callback?code=c&state=s",
        "/./oauth2/sign_in",
        "/a/../oauth2/sign_out",
        "/../oauth2/sign_out",
    ]);
}

#[test]
fn keeps_what_only_looks_odd_on_this_origin() {
    for (asked, expected) in [
        ("/usage#top", "/usage"),
        ("/usage#//evil.example", "/usage"),
        ("/../../usage", "/usage"),
        ("/a/./b/../c", "/a/c"),
        ("/..", "/"),
        ("/.", "/"),
        ("/...", "/..."),
        ("/..;/usage", "/..;/usage"),
        ("/:80", "/:80"),
        ("/https:evil.example", "/https:evil.example"),
        ("/javascript:alert(1)", "/javascript:alert(1)"),
        ("/evil.example", "/evil.example"),
        ("/[::1]", "/[::1]"),
        ("/?//evil.example", "/?//evil.example"),
        ("/?next=https://evil.example", "/?next=https://evil.example"),
        ("/?a=%0d%0ab", "/?a=%0d%0ab"),
        ("/?", "/?"),
        ("/%", "/%"),
        ("/%zz", "/%zz"),
        ("/%u002f", "/%u002f"),
        ("/%c0%af", "/%c0%af"),
        ("/\u{e9}", "/%C3%A9"),
        ("/\u{200b}/evil.example", "/%E2%80%8B/evil.example"),
        ("/\u{ff0f}evil.example", "/%EF%BC%8Fevil.example"),
        ("/\u{2215}evil.example", "/%E2%88%95evil.example"),
        ("/\u{ff0e}\u{ff0e}/a", "/%EF%BC%8E%EF%BC%8E/a"),
        ("/\u{ff3c}evil.example", "/%EF%BC%BCevil.example"),
        ("/\u{202e}elpmaxe.live", "/%E2%80%AEelpmaxe.live"),
        ("/<script>\"'`{}", "/%3Cscript%3E%22'%60%7B%7D"),
        ("/?q=<\"'>", "/?q=%3C%22%27%3E"),
        ("/OAuth2/start", "/OAuth2/start"),
        ("/oauth2", "/oauth2"),
    ] {
        assert_eq!(from(asked), expected, "{asked:?}");
        assert_stays(expected, asked);
    }
}

#[test]
fn sends_home_what_is_too_long_as_typed_or_as_written() {
    let fits = format!("/{}", "a".repeat(MAX_PATH - 1));
    assert_eq!(from(&fits), fits);
    for asked in [
        format!("{fits}a"),
        format!("/?{fits}"),
        format!("/{}", "\u{e9}".repeat(MAX_PATH / 4)),
        format!("/{}", "a".repeat(1 << 20)),
    ] {
        assert_eq!(from(&asked), "/", "{} bytes", asked.len());
    }
}

#[test]
fn stays_on_this_origin_whatever_is_asked() {
    let pieces = vec(select(&PIECES[..]), 0..12).prop_map(|pieces| pieces.concat());
    let texts = prop_oneof![pieces, any::<String>()];
    let asked = (any::<bool>(), texts).prop_map(|(slash, text)| if slash { format!("/{text}") } else { text });
    let config = Config { cases: 5000, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let kept = std::cell::Cell::new(0);
    let checked = runner.run(&asked, |asked| {
        for origin in ORIGINS {
            let path = return_path(&Url::parse(origin).unwrap(), Some(&asked));
            assert_stays(&path, &asked);
            kept.set(kept.get() + usize::from(path != "/"));
        }
        Ok(())
    });
    checked.unwrap();
    assert!(kept.get() > 1000, "it refuses nearly everything: {}", kept.get());
}
