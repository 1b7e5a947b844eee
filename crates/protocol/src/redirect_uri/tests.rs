use super::*;

#[test]
fn n_04_the_loopback_table_of_the_specification() {
    let table = [
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", true),
        ("http://127.0.0.1:3000/cb", "http://127.0.0.1:4000/cb", true),
        ("http://127.0.0.1:3000/cb", "http://127.0.0.1/cb", true),
        ("http://[::1]/cb", "http://[::1]:61023/cb", true),
        ("http://localhost/callback", "http://localhost:3118/callback", true),
        ("http://127.0.0.1/cb", "http://localhost:51004/cb", false),
        ("http://127.0.0.1/cb", "http://[::1]:51004/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb/", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb?x=1", false),
        ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb", false),
        ("https://127.0.0.1/cb", "https://127.0.0.1:8443/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004@evil.example/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example:80/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:65536/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:abc/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:/cb", false),
        ("http://127.0.0.1/cb", "http://2130706433:5000/cb", false),
        ("http://127.0.0.1/cb", "http://0x7f.1:5000/cb", false),
        ("http://127.0.0.1/cb", "http://127.1:5000/cb", false),
        ("http://127.0.0.1:33418/", "http://127.0.0.1:59656/", true),
        ("http://127.0.0.1:33418/", "http://127.0.0.1:33418", false),
        ("http://example.com/cb", "http://example.com:81/cb", false),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004\\@evil/cb", false),
    ];
    for (registered, requested, expected) in table {
        assert_eq!(matches(registered, requested), expected, "{registered} {requested}");
    }
}

#[test]
fn r_02_everything_else_is_compared_byte_for_byte() {
    let registered = "https://app.example/cb";
    for other in [
        "https://APP.example/cb",
        "https://app.example/cb/",
        "https://app.example:443/cb",
        "https://app.example/%63b",
        "https://app.example/a/../cb",
        "https://app.example/cb?x",
        "https://a.app.example/cb",
        "http://app.example/cb",
        "https://app.example.evil/cb",
        "https://x@app.example/cb",
        "https://app.example\\/cb",
        "https://app.example/c\tb",
        "HTTPS://app.example/cb",
        "",
    ] {
        assert!(!matches(registered, other), "{other}");
    }
}

#[test]
fn r_12_what_may_be_registered() {
    for good in [
        "https://app.example/cb",
        "https://app.example",
        "https://app.example:8443/cb?x=1",
        "http://127.0.0.1/cb",
        "http://127.0.0.1:3000/",
        "http://[::1]/cb",
        "http://localhost/callback",
        "com.example.app:/cb",
        "com.example.app:cb",
    ] {
        assert_eq!(check_registration(good), Ok(()), "{good}");
    }
    for bad in [
        "https://x/cb#",
        "https://x/cb#f",
        "/cb",
        "x/cb",
        "",
        "http://example.com/cb",
        "https://*.example/cb",
        "https://u@x/cb",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "myapp:/cb",
        "HTTPS://x/cb",
        "https://X.example/cb",
        "https://x/a/../b",
        "https://x/%2e%2e/b",
        "https://x:0/",
        "https://x:99999/",
        "https://x\\y/",
        "https://ü.example/",
        "https://x /",
        "ftp://x/",
        "https:cb",
        "http://127.0.0.1.evil/cb",
        "https://x./cb",
    ] {
        assert!(check_registration(bad).is_err(), "{bad}");
    }
    assert!(check_registration(&format!("https://x/{}", "a".repeat(2048))).is_err());
}

#[test]
fn a_07_answers_are_added_to_the_query_that_is_there() {
    let pairs = [("code", "a b"), ("state", "x&y=%+ü")];
    assert_eq!(append_params("https://x/cb", &pairs), "https://x/cb?code=a%20b&state=x%26y%3D%25%2B%C3%BC");
    assert_eq!(append_params("https://x/cb?q=1", &[("code", "c")]), "https://x/cb?q=1&code=c");
    assert_eq!(append_params("https://x/cb?", &[("code", "c")]), "https://x/cb?code=c");
    assert_eq!(append_params("com.example.app:/cb", &[("code", "c")]), "com.example.app:/cb?code=c");
}

#[test]
fn r_12_a_user_name_does_not_make_a_loopback_address() {
    for uri in [
        "http://127.0.0.1@evil.example/cb",
        "http://127.0.0.1:5@evil.example/cb",
        "http://localhost\\@evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.1#@evil.example/",
        "https://127.0.0.1/cb",
        "http://127.0.0.1:0/cb",
    ] {
        assert!(!is_loopback(uri), "{uri}");
        assert_ne!(describe_target(uri), Target::Loopback, "{uri}");
    }
    assert!(!matches("http://127.0.0.1:1@evil.example/", "http://127.0.0.1:2@evil.example/"));
    assert!(is_loopback("http://localhost:8481/callback") && is_loopback("http://[::1]"));
}

#[test]
fn n_07_private_schemes_are_reversed_domain_names() {
    for good in ["com.example.app:/cb", "com.example.app:/cb?x=1", "com.example.app://cb", "com.example-2:/cb"] {
        assert_eq!(check_registration(good), Ok(()), "{good}");
    }
    let undotted = |scheme: &str| Err(RedirectUriFault::SchemeWithoutDot(scheme.to_owned()));
    assert_eq!(check_registration("cursor://cb"), undotted("cursor"));
    assert_eq!(check_registration("com.:/cb"), undotted("com."));
    assert_eq!(check_registration("a..b:/cb"), undotted("a..b"));
    assert_eq!(check_registration("com.example.app://me@h/cb"), Err(RedirectUriFault::UserInfo));
    assert_eq!(check_registration("com.example.app:/a/%2E%2e/b"), Err(RedirectUriFault::NotNormal));
    assert_eq!(check_registration("com.example.app:"), Err(RedirectUriFault::NotAbsolute));
}

#[test]
fn r_12_each_fault_says_what_to_do() {
    let sentence = |uri: &str| check_registration(uri).expect_err(uri).to_string();
    let http = "http is allowed only for this computer (127.0.0.1, [::1], localhost). Use https.";
    assert_eq!(sentence("http://notes.example/callback"), http);
    assert_eq!(sentence("https://x/%zz"), "a percent sign must be followed by two hexadecimal digits");
    for uri in ["https://x/{a}", "https://x/`", "https://x/a|b", "https://x/a^b", "https://x/a\nb"] {
        assert_eq!(check_registration(uri), Err(RedirectUriFault::Characters), "{uri:?}");
    }
    assert_eq!(sentence("DATA:x"), "the scheme data: is not allowed");
}

#[test]
fn mcp_13_the_host_that_is_shown_is_the_host_that_gets_the_code() {
    let host = |uri: &str| match describe_target(uri) {
        Target::Https { host } => host,
        other => panic!("{uri} is {other:?}"),
    };
    assert_eq!(host("https://app.example/cb"), "app.example");
    assert_eq!(host("https://app.example:443/cb"), "app.example");
    assert_eq!(host("https://app.example:8443?x"), "app.example:8443");
    assert_eq!(host("https://good.example@evil.example/"), "evil.example");
    assert_eq!(host("https://evil.example\\@good.example/"), "evil.example");
    assert_eq!(describe_target("http://127.0.0.1:5/cb"), Target::Loopback);
    assert_eq!(describe_target("com.example.app:/cb"), Target::PrivateScheme { scheme: "com.example.app".into() });
}

proptest::proptest! {
    #[test]
    fn nothing_panics(a: String, b: String) {
        drop(check_registration(&a));
        matches(&a, &b);
        describe_target(&a);
    }

    #[test]
    fn only_loopback_uris_match_what_they_do_not_equal(a in "[a-z:/.\\[\\]0-9@?#%\\\\]{0,40}", b in "[a-z:/.\\[\\]0-9@?#%\\\\]{0,40}") {
        proptest::prop_assert!(!matches(&a, &b) || a == b || (is_loopback(&a) && is_loopback(&b)));
    }

    #[test]
    fn n_04_loopback_any_port(port in 1_u16.., path in "(/[a-z0-9]{0,8}){0,3}") {
        for host in LOOPBACK_HOSTS {
            let registered = format!("http://{host}{path}");
            let requested = format!("http://{host}:{port}{path}");
            proptest::prop_assert!(matches(&registered, &requested) && matches(&requested, &registered));
            let (tls, tls_requested) = (format!("https://{host}{path}"), format!("https://{host}:{port}{path}"));
            proptest::prop_assert!(!matches(&tls, &tls_requested) && !matches(&registered, &tls_requested));
            let longer = format!("{requested}/x");
            proptest::prop_assert!(!matches(&registered, &longer));
        }
    }

    #[test]
    fn a_07_every_value_comes_back_as_it_was(state in "[^\\p{Cc}]{1,60}", query in "(\\?[a-z]=[0-9])?") {
        let uri = format!("https://x.example/cb{query}");
        let sent = append_params(&uri, &[("code", "c"), ("state", &state)]);
        proptest::prop_assert!(sent.starts_with(&uri) && sent.matches('?').count() == 1 && sent.is_ascii());
        let parsed = crate::params::Params::parse(sent.split_once('?').expect("a query").1.as_bytes());
        let parsed = parsed.expect("what we write can be read");
        proptest::prop_assert_eq!(parsed.one("state"), Some(state.as_str()));
        proptest::prop_assert_eq!(parsed.one("code"), Some("c"));
    }
}
