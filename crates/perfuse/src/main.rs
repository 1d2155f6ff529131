fn main() {}
#![forbid(unsafe_code)]

