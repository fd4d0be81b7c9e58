import CYAML

/// One step of a YAML text.
struct YAMLEvent {
    enum Content {
        case documentStart
        case documentEnd
        case streamEnd
        case alias(anchor: String)
        case scalar(ConfigScalar)
        case sequenceStart
        case sequenceEnd
        case mappingStart
        case mappingEnd
    }

    var content: Content
    var position: ConfigPosition
    /// The name after `&`, for a node that an alias may repeat.
    var anchor: String?
    var hasTag: Bool
}

/// Why libyaml refused a text.
struct YAMLFailure: Error {
    var message: String
    /// Nil when libyaml names a byte offset only.
    var position: ConfigPosition?
    var byteOffset: Int
}

/// Owns a libyaml parser and the bytes it reads.
///
/// libyaml keeps pointers to both (the parser even to itself), so each lives at a fixed address until the end.
struct YAMLEventReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// Nil when memory is short. `bytes` must be valid UTF-8 without a byte order mark.
    init?(_ bytes: some Collection<UInt8>) {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            return nil
        }
        let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        _ = input.initialize(from: bytes)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
        self.parser = parser
        self.input = input
    }

    deinit {
        yaml_parser_delete(self.parser)
        self.parser.deallocate()
        self.input.deallocate()
    }

    /// The next event; the start of the stream is left out. After `.streamEnd` or a failure: no further call.
    mutating func next() throws(YAMLFailure) -> YAMLEvent {
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(self.parser, &event) == 1 else { throw self.failure() }
            defer { yaml_event_delete(&event) }
            if event.type != YAML_STREAM_START_EVENT { return Self.translated(event) }
        }
    }

    private static func translated(_ event: yaml_event_t) -> YAMLEvent {
        var anchor: UnsafeMutablePointer<UInt8>?
        var tag: UnsafeMutablePointer<UInt8>?
        let content: YAMLEvent.Content
        switch event.type {
        case YAML_DOCUMENT_START_EVENT: content = .documentStart
        case YAML_DOCUMENT_END_EVENT: content = .documentEnd
        case YAML_ALIAS_EVENT: content = .alias(anchor: Self.text(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            (anchor, tag) = (scalar.anchor, scalar.tag)
            let bytes = UnsafeBufferPointer(
                start: scalar.value, count: scalar.value == nil ? 0 : scalar.length)
            content = .scalar(
                ConfigScalar(
                    text: String(decoding: bytes, as: UTF8.self),
                    isQuoted: scalar.style != YAML_PLAIN_SCALAR_STYLE))
        case YAML_SEQUENCE_START_EVENT:
            (anchor, tag) = (event.data.sequence_start.anchor, event.data.sequence_start.tag)
            content = .sequenceStart
        case YAML_SEQUENCE_END_EVENT: content = .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            (anchor, tag) = (event.data.mapping_start.anchor, event.data.mapping_start.tag)
            content = .mappingStart
        case YAML_MAPPING_END_EVENT: content = .mappingEnd
        default: content = .streamEnd
        }
        return YAMLEvent(
            content: content, position: Self.position(event.start_mark), anchor: Self.text(anchor),
            hasTag: tag != nil)
    }

    private func failure() -> YAMLFailure {
        let parser = self.parser.pointee
        let problem = parser.problem.map { String(cString: $0) } ?? "the text cannot be read"
        let context = parser.context.map { " " + String(cString: $0) } ?? ""
        let hasMark = parser.error == YAML_SCANNER_ERROR || parser.error == YAML_PARSER_ERROR
        return YAMLFailure(
            message: problem + context, position: hasMark ? Self.position(parser.problem_mark) : nil,
            byteOffset: Int(clamping: parser.problem_offset))
    }

    private static func position(_ mark: yaml_mark_t) -> ConfigPosition {
        ConfigPosition(line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
    }

    private static func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        pointer.map { String(cString: UnsafePointer($0)) }
    }
}
