//! Names that a file system would stumble over.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use moc_uploads_testkit::app::{LocalFile, SESSIONS, TestApp, create_body};
use proptest::prelude::*;

use super::{NASTY, any_text, check};

#[test]
fn names_never_reach_the_file_system() {
    let text = || {
        prop_oneof![
            any_text(),
            prop::sample::select(NASTY.to_vec()).prop_map(str::to_owned)
        ]
    };
    check(60, (text(), text(), text()), |world, (name, key, ext)| {
        let file = LocalFile::pdf("x", 1500)
            .with("name", name)
            .with("key", key)
            .with("ext", ext);
        let created = world.judge(
            world
                .alice
                .post(SESSIONS)
                .json(&create_body(std::slice::from_ref(&file))),
        )?;
        if created.status == 201 {
            let created = created.json();
            let session = created["sessionId"].as_str().unwrap();
            let remote = world.runtime.block_on(world.alice.upload(session, &file));
            let content = world.runtime.block_on(world.alice.content(&remote));
            prop_assert_eq!(content.expect(200).body, file.bytes);
        }
        assert_nothing_strange(&world.app);
        Ok(())
    });
}

#[tokio::test]
async fn nasty_names_are_stored_under_names_of_our_own() {
    let app = TestApp::with(|options| options.settings.daily_limit = None).await;
    // Whoever made the token chose this.
    let alice = app.user("../../alice\u{1f3f0}/..");
    let mut stored = 0;
    let long = "n".repeat(255);
    for nasty in NASTY.iter().copied().chain([long.as_str()]) {
        for member in ["name", "key", "ext"] {
            let file = LocalFile::pdf("x", 1500).with(member, nasty);
            let body = create_body(std::slice::from_ref(&file));
            let created = alice.post(SESSIONS).json(&body).await;
            if created.status != 201 {
                created.refused(422, "VALIDATION_ERROR");
                continue;
            }
            let created = created.json();
            let remote = alice
                .upload(created["sessionId"].as_str().unwrap(), &file)
                .await;
            assert_eq!(alice.content(&remote).await.expect(200).body, file.bytes);
            stored += 1;
        }
    }
    assert!(stored >= NASTY.len(), "{stored}");
    assert_nothing_strange(&app);
}

/// Nothing lies beside the folders that the stores have, and every name in them is plain.
fn assert_nothing_strange(app: &TestApp) {
    let top: BTreeSet<String> = std::fs::read_dir(app.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("moc-uploads.db"))
        .collect();
    let expected = app.bucket().is_none().then(|| "objects".to_owned());
    assert_eq!(top, expected.into_iter().collect());
    for file in app.stored_files() {
        assert!(is_plain(&file), "{}", file.display());
    }
}

fn is_plain(path: &Path) -> bool {
    path.components().all(|component| match component {
        Component::Normal(name) => {
            let name = name.to_str().unwrap_or("\0");
            name.len() <= 255
                && !name.starts_with('.')
                && !name.contains("..")
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.~+".contains(&b))
        }
        _ => false,
    })
}
