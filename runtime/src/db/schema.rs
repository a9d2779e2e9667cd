//! The layout's version, kept in the store.

use std::ops::ControlFlow;

use super::{Batch, OpenError, Store, StoreError, keys};

/// Version of the layout that [`keys`] describes. Any change to keys or values that an older program would misread
/// raises it.
pub const VERSION: u32 = 1;

/// Makes sure that `store` has this program's layout; an empty store is given it.
///
/// # Errors
/// [`OpenError::Version`] if the store was written with another layout, or holds data but no version.
pub fn ensure(store: &dyn Store) -> Result<(), OpenError> {
    let key = [keys::VERSION];
    let other = |found: String| OpenError::Version { found, expected: VERSION };
    if let Some(found) = store.get(&key)? {
        return match <[u8; 4]>::try_from(found.as_slice()).map(u32::from_be_bytes) {
            Ok(VERSION) => Ok(()),
            Ok(version) => Err(other(version.to_string())),
            Err(_) => Err(StoreError::Corrupt("the layout version is unreadable".into()).into()),
        };
    }
    let mut empty = true;
    store.scan(&[], &[], &mut |_, _| {
        empty = false;
        ControlFlow::Break(())
    })?;
    if !empty {
        return Err(other("none".into()));
    }
    let mut batch = Batch::new();
    batch.put(key, VERSION.to_be_bytes());
    store.apply(batch)?;
    Ok(store.flush()?)
}
