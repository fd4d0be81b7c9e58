import Glibc

/// How many times slower than usual the tests may be: more than 1 under a sanitizer, which `WEIR_TEST_SLOWNESS` says.
/// For bounds on time alone.
public let slowness: Double = getenv("WEIR_TEST_SLOWNESS").flatMap { Double(String(cString: $0)) } ?? 1
