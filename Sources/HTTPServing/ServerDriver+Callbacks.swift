import CMicrohttpd
import Glibc

// What libmicrohttpd calls. The context is the driver, unretained: it outlives the library.

private func driver(_ context: UnsafeMutableRawPointer?) -> ServerDriver? {
    context.map { Unmanaged<ServerDriver>.fromOpaque($0).takeUnretainedValue() }
}

/// A connection was accepted or is about to be freed.
func connectionChanged(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?,
    slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, change: MHD_ConnectionNotificationCode
) {
    guard let driver = driver(context), let connection, let slot else { return }
    switch change {
    case .CONNECTION_NOTIFY_STARTED:
        let client = ClientConnection(connection, deadline: driver.requestDeadline(idleFirst: false))
        slot.pointee = Unmanaged.passRetained(client).toOpaque()
        driver.opened(client)
    case .CONNECTION_NOTIFY_CLOSED:
        guard let pointer = slot.pointee else { return }
        slot.pointee = nil
        driver.closed(Unmanaged<ClientConnection>.fromOpaque(pointer).takeRetainedValue())
    }
}

/// A request line was read; the target is raw. The answer is the request's own context from now on.
func requestLineRead(
    context: UnsafeMutableRawPointer?, target: UnsafePointer<CChar>?, connection: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    guard let connection, let target, let stored = weir_mhd_socket_context(connection) else { return nil }
    let client = Unmanaged<ClientConnection>.fromOpaque(stored).takeUnretainedValue()
    let bytes = UnsafeRawBufferPointer(start: target, count: strlen(target)).bindMemory(to: UInt8.self)
    let exchange = Exchange(
        connection: connection, client: client, target: RequestTarget(bytes.span),
        endOfTarget: UInt(bitPattern: target) + UInt(bytes.count))
    return Unmanaged.passRetained(exchange).toOpaque()
}

/// Headers are complete, a part of the body is there, or the request is complete.
func handleRequest(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?, url: UnsafePointer<CChar>?,
    method: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?, data: UnsafePointer<CChar>?,
    size: UnsafeMutablePointer<Int>?, slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let driver = driver(context), let method, let size, let stored = slot?.pointee else { return .NO }
    let exchange = Unmanaged<Exchange>.fromOpaque(stored).takeUnretainedValue()
    let bytes = UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : size.pointee)
    size.pointee = 0
    return driver.proceed(
        exchange, method: String(cString: method), version: UInt(bitPattern: version), bytes) ? .YES : .NO
}

/// The response was sent, or the connection ended before.
func requestCompleted(
    context: UnsafeMutableRawPointer?, connection: OpaquePointer?,
    slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, reason: MHD_RequestTerminationCode
) {
    guard let driver = driver(context), let stored = slot?.pointee else { return }
    slot?.pointee = nil
    let exchange = Unmanaged<Exchange>.fromOpaque(stored).takeRetainedValue()
    exchange.client.deadline = driver.requestDeadline(idleFirst: true)
    driver.forget(exchange)
}
