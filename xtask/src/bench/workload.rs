//! What the benchmarks record: a program whose optimized code has functions of many sources inlined into each other, deep
//! stacks, and calls of the C library. `rustc -O -g` builds it, so that its lines and inlined functions are known.
//!
//! `workload SECONDS` runs for so long.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::Read as _;
use std::time::{Duration, Instant};

/// Numbers without a pattern (a linear congruence of Knuth's).
struct Numbers(u64);

impl Iterator for Numbers {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some(self.0 >> 20)
    }
}

/// A tree of expressions: evaluating it makes stacks of all depths.
enum Node {
    Leaf(u64),
    Sum(Box<Node>, Box<Node>),
    Sorted(Vec<u64>),
    Counted(BTreeMap<u64, u64>),
}

fn grow(depth: u32, numbers: &mut Numbers) -> Node {
    let number = numbers.next().unwrap_or(1);
    match number % 8 {
        _ if depth == 0 => Node::Leaf(number),
        0 => Node::Sorted(numbers.take(200).collect()),
        1 => Node::Counted(numbers.take(100).map(|number| (number % 64, number)).collect()),
        _ => Node::Sum(Box::new(grow(depth - 1, numbers)), Box::new(grow(depth - 1, numbers))),
    }
}

fn evaluate(node: &Node) -> u64 {
    match node {
        Node::Leaf(number) => number.rotate_left(7),
        Node::Sum(one, other) => evaluate(one).wrapping_add(evaluate(other)),
        Node::Sorted(numbers) => {
            let mut numbers = numbers.clone();
            numbers.sort_by(|one, other| other.count_ones().cmp(&one.count_ones()).then(one.cmp(other)));
            numbers.iter().zip(1..).map(|(number, index)| number.wrapping_mul(index)).fold(0, u64::wrapping_add)
        }
        Node::Counted(counts) => {
            counts.range(8..48).filter(|(key, _)| *key % 3 != 0).map(|(_, value)| value >> 3).fold(0, u64::wrapping_add)
        }
    }
}

/// Text, hashing, and calls of the C library and the kernel.
fn words(numbers: &mut Numbers, zeros: &mut std::fs::File) -> usize {
    let mut text = String::new();
    for number in numbers.take(300) {
        let _ = write!(text, "{:x} {number} ", number % 1000);
    }
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word).or_default() += word.parse::<u64>().map_or(1, |number| number.count_ones() as usize);
    }
    let mut bytes = vec![1; 64 << 10];
    let read = zeros.read(&mut bytes).unwrap_or(0);
    counts.values().sum::<usize>() + bytes.iter().take(read).filter(|byte| **byte == 0).count()
}

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut numbers = Numbers(7);
    let mut zeros = std::fs::File::open("/dev/zero").expect("/dev/zero");
    let mut sum = 0_u64;
    while Instant::now() < end {
        let tree = grow(9, &mut numbers);
        sum = sum.wrapping_add(evaluate(&tree)).wrapping_add(words(&mut numbers, &mut zeros) as u64);
    }
    println!("{sum}");
}
