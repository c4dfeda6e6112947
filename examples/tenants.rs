//! Two projects and one image: sharing, accepting, hiding, protecting. Every line that is printed
//! is asserted before.
//!
//! `cargo run --example tenants`

use smalti::image::{MemberStatus, Patch};
use smalti::{Caller, Engine, ErrorCode, Images, NewImage, ProjectId, Result, Visibility};

fn main() -> Result<()> {
    let engine = Engine::in_memory()?;
    let maker = engine.images(&Caller::project("maker"));
    let user = engine.images(&Caller::project("user"));
    let project = ProjectId::new("user")?;

    // An image is its owner's alone until it is shared.
    let image = maker.create(NewImage::named("debian").property("os_distro", "debian"))?;
    let id = *image.id();
    assert_eq!(user.show(&id).map_err(code), Err(ErrorCode::NotFound));
    println!("made: {image:?}; nobody else sees it");

    // A member sees the image at once; its list has it when it has accepted.
    maker.members(&id).add(&project)?;
    assert_eq!(user.show(&id)?.name(), Some("debian"));
    assert!(names(&user, "")?.is_empty());
    assert_eq!(names(&user, "member_status=pending")?, ["debian"]);
    println!("shared: {project} may read it, and its list is as before");

    user.members(&id)
        .set_status(&project, MemberStatus::Accepted)?;
    assert_eq!(names(&user, "os_distro=debian")?, ["debian"]);
    println!("accepted: it is in the list of {project}");

    // A member reads, and does no more.
    let rename = Patch::new().set_name("mine");
    let refused = user.update(&id, &rename).map_err(code);
    assert_eq!(refused, Err(ErrorCode::Forbidden));
    assert_eq!(user.delete(&id).map_err(code), Err(ErrorCode::Forbidden));
    println!("refused: only {:?} changes it", image.owner());

    // What is hidden is left out of lists unless these ask for it; who knows its id may use it.
    maker.update(&id, &Patch::new().set_hidden(true))?;
    assert!(names(&user, "")?.is_empty());
    assert_eq!(names(&user, "os_hidden=true")?, ["debian"]);
    assert!(user.show(&id)?.is_hidden());
    println!("hidden: lists leave it out, and it can be read as before");

    // What is protected is deleted by nobody, its owner and administrators included.
    maker.update(&id, &Patch::new().set_protected(true))?;
    let operator = engine.images(&Caller::admin());
    for images in [&maker, &operator] {
        let refused = images.delete(&id).map_err(code);
        assert_eq!(refused, Err(ErrorCode::ProtectedImage));
    }
    println!("protected: neither its owner nor an administrator deletes it");

    // Members count while the image is shared, and only then.
    maker.update(&id, &Patch::new().set_visibility(Visibility::Private))?;
    assert_eq!(user.show(&id).map_err(code), Err(ErrorCode::NotFound));
    maker.update(&id, &Patch::new().set_protected(false))?;
    maker.delete(&id)?;
    assert_eq!(maker.show(&id).map_err(code), Err(ErrorCode::NotFound));
    println!("private, then deleted: it is gone for everybody");
    Ok(())
}

/// Returns the names of the images that a list has.
fn names(images: &Images, query: &str) -> Result<Vec<String>> {
    let page = images.list(&query.parse()?)?;
    let named = page.images().iter().filter_map(|image| image.name());
    Ok(named.map(str::to_owned).collect())
}

fn code(error: smalti::Error) -> ErrorCode {
    error.code()
}
