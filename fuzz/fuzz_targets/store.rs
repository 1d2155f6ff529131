#![no_main]
use perfuse_service::store::{chunk, summary, tick};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    match which % 4 {
        // What decodes is what a writer could have meant: it goes in again and comes out the same.
        0 => {
            if let Ok(slots) = chunk::decode_body(bytes) {
                let again = chunk::decode(&chunk::encode(&slots).expect("few enough")).expect("just written");
                assert!(slots.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()));
                assert_eq!(slots.len(), again.len());
            }
        }
        1 => drop(chunk::decode(bytes)),
        2 => drop(summary::decode(bytes)),
        _ => drop(tick(bytes)),
    }
});
