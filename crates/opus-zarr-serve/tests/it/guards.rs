//! Who may ask, and whose pages may read answers.

use opus_zarr_serve::{Guard, Options};

use crate::support::Serving;

#[test]
fn a_token_is_required_everywhere_but_for_health() {
    let mut options = Options::default();
    options.guard = Guard::Token("sesame".to_owned());
    let serving = Serving::with(options);
    for target in
        ["/", "/api/recordings", "/audio/notes.opus", "/metrics", "/nothing", "/audio/x.wav?x"]
    {
        let refused = serving.get(target);
        assert_eq!(refused.status, 401, "{target}");
        assert!(refused.field("www-authenticate").unwrap().starts_with("Basic "));
        let wrong = serving.ask("GET", target, &["Authorization: Bearer sesame2"]);
        assert_eq!(wrong.status, 401, "{target}");
    }
    assert_eq!(serving.get("/healthz").body, b"ok\n");
    for field in ["Authorization: Bearer sesame", "Authorization: Basic eDpzZXNhbWU="] {
        assert_eq!(serving.ask("GET", "/api/recordings", &[field]).status, 200, "{field}");
    }
    // Any host: that is what the token is for.
    let fields = ["Host: example.org", "Authorization: Bearer sesame"];
    assert_eq!(serving.ask("GET", "/", &fields).status, 200);
    assert!(
        serving.log.lock().unwrap().iter().all(|access| !format!("{access}").contains("sesame"))
    );
}

#[test]
fn without_a_token_other_names_of_this_computer_are_refused() {
    let serving = Serving::golden();
    assert_eq!(serving.ask("GET", "/", &["Host: example.org"]).status, 421);
    assert_eq!(serving.ask("GET", "/", &["Host: 127.0.0.1:99"]).status, 200);
    let mut options = Options::default();
    options.guard = Guard::Public;
    assert_eq!(Serving::with(options).ask("GET", "/", &["Host: example.org"]).status, 200);
}

#[test]
fn origins_are_allowed_only_if_given() {
    let origin = "Origin: https://example.org";
    let allowed = |serving: &Serving, origin: &str| {
        let answer = serving.ask("GET", "/api/recordings", &[origin]);
        answer.field("access-control-allow-origin").map(str::to_owned)
    };
    let preflight = "Access-Control-Request-Method: GET";
    let serving = Serving::golden();
    assert_eq!(allowed(&serving, origin), None);
    assert_eq!(serving.ask("OPTIONS", "/", &[origin, preflight]).status, 405);
    let mut options = Options::default();
    options.origins = vec!["https://example.org".to_owned()];
    options.guard = Guard::Token("sesame".to_owned());
    let serving = Serving::with(options);
    // A preflight has no token.
    let answer = serving.ask("OPTIONS", "/audio/notes.opus", &[origin, preflight]);
    assert_eq!(answer.status, 204);
    assert!(answer.field("access-control-allow-headers").unwrap().contains("Range"));
    assert_eq!(allowed(&serving, origin).as_deref(), Some("https://example.org"));
    for other in ["Origin: http://example.org", "Origin: https://example.org.evil", "Origin: null"]
    {
        assert_eq!(allowed(&serving, other), None, "{other}");
        assert_eq!(serving.ask("OPTIONS", "/", &[other, preflight]).status, 401);
    }
}
