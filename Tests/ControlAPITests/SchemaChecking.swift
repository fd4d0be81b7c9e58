import Foundation

@testable import ControlAPI

/// What in `value` is not as the schema says: a missing, surplus or wrong member, with its path.
func violations(of schema: Schema, _ value: Any, at path: String) -> [String] {
    switch schema {
    case .any: return []
    case .string: return value is String ? [] : ["\(path): no string"]
    case .boolean: return isBoolean(value) ? [] : ["\(path): no boolean"]
    case .integer:
        guard let number = value as? NSNumber, !isBoolean(value),
            number.doubleValue == number.doubleValue.rounded()
        else { return ["\(path): no integer"] }
        return []
    case .number: return value is NSNumber && !isBoolean(value) ? [] : ["\(path): no number"]
    case .choice(let values):
        return (value as? String).map(values.contains) == true ? [] : ["\(path): \(value)"]
    case .nullable(let schema): return value is NSNull ? [] : violations(of: schema, value, at: path)
    case .optional(let schema): return violations(of: schema, value, at: path)
    case .array(let element):
        guard let elements = value as? [Any] else { return ["\(path): no array"] }
        return elements.enumerated().flatMap {
            violations(of: element, $0.element, at: "\(path)[\($0.offset)]")
        }
    case .map(let schema):
        guard let members = value as? [String: Any] else { return ["\(path): no object"] }
        return members.flatMap { violations(of: schema, $0.value, at: "\(path).\($0.key)") }
    case .object(let schemas):
        guard let members = value as? [String: Any] else { return ["\(path): no object"] }
        var found = members.keys.filter { name in !schemas.contains { $0.key == name } }.map {
            "\(path).\($0): surplus"
        }
        for (name, schema) in schemas {
            if let member = members[name] {
                found += violations(of: schema, member, at: "\(path).\(name)")
            } else if case .optional = schema {
            } else {
                found.append("\(path).\(name): missing")
            }
        }
        return found
    }
}

/// A Bool of a JSON text is an NSNumber whose type is "c".
private func isBoolean(_ value: Any) -> Bool {
    (value as? NSNumber).map { String(cString: $0.objCType) == "c" } ?? false
}
