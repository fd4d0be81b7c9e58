/// Puts YAML events together to a tree, without recursion, and holds the limits at every step.
struct ConfigTreeBuilder {
    /// A list or group that is still open.
    private struct Frame {
        var position: ConfigPosition
        var anchor: String?
        /// Nodes within, itself included.
        var nodes = 1
        /// How deep the nodes within reach below it.
        var height = 1
        var items: [ConfigNode] = []
        var entries: [ConfigEntry] = []
        var isMapping: Bool
        /// Where each key was first written.
        var keys: [String: ConfigPosition] = [:]
        var pendingKey: (text: String, position: ConfigPosition, isMerge: Bool)?
        var merged: [ConfigNode] = []
    }

    private struct Anchored {
        var node: ConfigNode
        var nodes: Int
        var height: Int
    }

    private let fileName: String
    private let limits: ConfigLimits
    private var frames: [Frame] = []
    private var anchors: [String: Anchored] = [:]
    private var nodes = 0
    private var documents = 0
    private(set) var root: ConfigNode?
    private(set) var isComplete = false

    init(fileName: String, limits: ConfigLimits) {
        self.fileName = fileName
        self.limits = limits
    }

    mutating func add(_ event: YAMLEvent) throws(ConfigProblem) {
        if event.hasTag {
            throw self.problem(.unsupported, event.position, "tags such as !!str are not supported")
        }
        switch event.content {
        case .documentStart:
            self.documents += 1
            if self.documents > 1 {
                throw self.problem(
                    .unsupported, event.position, "a second document begins here",
                    remedy: "a configuration is one document: remove the line ---")
            }
        case .documentEnd: break
        case .streamEnd: self.isComplete = true
        case .sequenceStart, .mappingStart:
            try self.open(event)
        case .sequenceEnd, .mappingEnd:
            try self.close()
        case .scalar(let scalar):
            let nodes = 1 + scalar.text.utf8.count / ConfigLimits.textBytesANode
            try self.take(
                ConfigNode(.scalar(scalar), at: event.position), nodes: nodes, height: 1, event.anchor,
                at: event.position)
        case .alias(let anchor):
            guard let target = self.anchors[anchor] else {
                throw self.problem(
                    .syntax, event.position, "the alias *\(anchor) has no &\(anchor) before it")
            }
            try self.take(target.node, nodes: target.nodes, height: target.height, nil, at: event.position)
        }
    }

    private mutating func open(_ event: YAMLEvent) throws(ConfigProblem) {
        guard self.frames.count < self.limits.depth else { throw self.tooDeep(event.position) }
        var isMapping = false
        if case .mappingStart = event.content { isMapping = true }
        self.frames.append(Frame(position: event.position, anchor: event.anchor, isMapping: isMapping))
    }

    private mutating func close() throws(ConfigProblem) {
        guard var frame = self.frames.popLast() else { return }
        for base in frame.merged {
            guard case .mapping(let entries) = base.content else {
                throw self.problem(
                    .wrongType, base.position, "<< takes a group of keys, found \(base.kindName)")
            }
            for entry in entries where frame.keys[entry.key] == nil {
                frame.keys[entry.key] = entry.keyPosition
                frame.entries.append(entry)
            }
        }
        let content: ConfigNode.Content = frame.isMapping ? .mapping(frame.entries) : .sequence(frame.items)
        try self.take(
            ConfigNode(content, at: frame.position), nodes: frame.nodes, height: frame.height, frame.anchor,
            at: frame.position)
    }

    /// Puts a finished node where it belongs: the open list or group, or the root. `position` is where it is
    /// used, which for an alias is not where it was written.
    private mutating func take(
        _ node: ConfigNode, nodes: Int, height: Int, _ anchor: String?, at position: ConfigPosition
    ) throws(ConfigProblem) {
        guard self.frames.count + height - 1 <= self.limits.depth else { throw self.tooDeep(position) }
        if let anchor { self.anchors[anchor] = Anchored(node: node, nodes: nodes, height: height) }
        guard var frame = self.frames.popLast() else {
            self.root = node
            return
        }
        frame.nodes += nodes
        frame.height = max(frame.height, height + 1)
        let total = frame.nodes + self.frames.reduce(0) { $0 + $1.nodes }
        guard total <= self.limits.nodes else {
            throw self.problem(.tooLarge, position, "more than \(self.limits.nodes) values")
        }
        if !frame.isMapping {
            frame.items.append(node)
        } else if let key = frame.pendingKey {
            frame.pendingKey = nil
            self.place(node, under: key, in: &frame)
        } else {
            frame.pendingKey = try self.key(node, in: &frame)
        }
        self.frames.append(frame)
    }

    private func key(
        _ node: ConfigNode, in frame: inout Frame
    ) throws(ConfigProblem) -> (text: String, position: ConfigPosition, isMerge: Bool) {
        guard case .scalar(let scalar) = node.content else {
            throw self.problem(.unsupported, node.position, "a key must be a word, found \(node.kindName)")
        }
        if scalar.text == "<<", !scalar.isQuoted { return ("<<", node.position, true) }
        if let first = frame.keys.updateValue(node.position, forKey: scalar.text) {
            throw self.problem(
                .duplicateKey, node.position,
                "the key \(shown(scalar.text)) is written twice, first in line \(first.line)",
                remedy: "remove one of the two")
        }
        return (scalar.text, node.position, false)
    }

    private func place(
        _ node: ConfigNode, under key: (text: String, position: ConfigPosition, isMerge: Bool),
        in frame: inout Frame
    ) {
        guard key.isMerge else {
            frame.entries.append(ConfigEntry(key: key.text, keyPosition: key.position, value: node))
            return
        }
        if case .sequence(let bases) = node.content {
            frame.merged.append(contentsOf: bases)
        } else {
            frame.merged.append(node)
        }
    }

    private func tooDeep(_ position: ConfigPosition) -> ConfigProblem {
        self.problem(.tooDeep, position, "nested more than \(self.limits.depth) deep")
    }

    private func problem(
        _ kind: ConfigProblem.Kind, _ position: ConfigPosition, _ message: String, remedy: String? = nil
    ) -> ConfigProblem {
        ConfigProblem(kind, at: .file(name: self.fileName, position: position), message, remedy: remedy)
    }
}
