pub struct Point { pub x: i32, pub y: u64 }
#[inline(never)]
pub fn distance(point: &Point, scale: u32) -> u64 {
    let mut sum = 0;
    for step in 0..scale {
        sum += point.y * u64::from(step) + point.x as u64;
    }
    sum
}
fn main() {
    let point = Point { x: 3, y: std::env::args().count() as u64 };
    println!("{}", distance(&point, 4));
}
