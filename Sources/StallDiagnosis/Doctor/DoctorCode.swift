/// What `weir doctor` can find. The raw value is the stable code.
public enum DoctorCode: String, Hashable, Sendable, CaseIterable {
    case portReached = "port_reached"
    case portClosed = "port_closed"
    case portNeverReached = "port_never_reached"
    case portUntested = "port_untested"
    case portInUse = "port_in_use"
    case portFailed = "port_failed"
    case portOff = "port_off"

    case routesBoth = "routes_both"
    case routesOnlyIPv4 = "routes_only_ipv4"
    case routesOnlyIPv6 = "routes_only_ipv6"
    case routesNone = "routes_none"
    case routesUntested = "routes_untested"

    case mappingWorks = "mapping_works"
    case mappingDoubleNAT = "mapping_double_nat"
    case mappingOtherAddress = "mapping_other_address"
    case mappingShort = "mapping_short"
    case mappingUnavailable = "mapping_unavailable"
    case mappingFailed = "mapping_failed"
    case mappingMissing = "mapping_missing"
    case mappingNotNeeded = "mapping_not_needed"

    case ipv6Reached = "ipv6_reached"
    case ipv6Unproven = "ipv6_unproven"
    case ipv6Absent = "ipv6_absent"

    case outboundWorks = "outbound_works"
    case outboundFails = "outbound_fails"
    case outboundUntested = "outbound_untested"

    case namesWork = "names_work"
    case namesSlow = "names_slow"
    case namesFail = "names_fail"
    case namesUntested = "names_untested"

    case trackersReached = "trackers_reached"
    case trackersPartly = "trackers_partly"
    case trackersFail = "trackers_fail"
    case trackersUntested = "trackers_untested"

    case descriptorsEnough = "descriptors_enough"
    case descriptorsFew = "descriptors_few"
    case descriptorsGone = "descriptors_gone"

    case folderFine = "folder_fine"
    case folderTooSmall = "folder_too_small"
    case folderNotSparse = "folder_not_sparse"
    case folderFull = "folder_full"
    case folderReadOnly = "folder_read_only"
    case folderFailing = "folder_failing"

    public var code: String { self.rawValue }
}

extension DoctorCode {
    public var severity: Severity {
        switch self {
        case .portClosed, .portNeverReached, .portInUse, .portFailed, .mappingDoubleNAT, .outboundFails,
            .namesFail, .routesNone,
            .trackersFail, .descriptorsGone, .folderFull, .folderReadOnly, .folderFailing:
            .problem
        case .portOff, .mappingOtherAddress, .mappingShort, .mappingUnavailable, .mappingFailed,
            .mappingMissing, .routesOnlyIPv6, .folderNotSparse,
            .namesSlow, .trackersPartly, .descriptorsFew, .folderTooSmall:
            .watch
        default: .expected
        }
    }

    /// One sentence without numbers.
    public var meaning: String {
        switch self {
        case .portReached: "Strangers reach the listening port."
        case .portClosed: "A test from outside could not connect to the listening port."
        case .portNeverReached: "Nobody has ever come in, although we have told peers where we are."
        case .portUntested: "Nobody has come in yet; it is too early to tell."
        case .portInUse: "Another program uses the listening port."
        case .portFailed: "The listening port cannot be opened."
        case .portOff: "No port is open, so only peers that we dial are reached."
        case .routesBoth: "There is a way to IPv4 and to IPv6."
        case .routesOnlyIPv4: "There is a way to IPv4, and none to IPv6."
        case .routesOnlyIPv6: "There is a way to IPv6, and none to IPv4, where most peers are."
        case .routesNone: "There is no way out of this machine."
        case .routesUntested: "The routes were not looked at."
        case .mappingWorks: "The router forwards the port."
        case .mappingDoubleNAT: "The router itself has no public address: there is a second router before it."
        case .mappingOtherAddress: "Trackers see another address than the router reports."
        case .mappingShort: "The router forwards the port only for a short while."
        case .mappingUnavailable: "No router answers to UPnP, NAT-PMP or PCP."
        case .mappingFailed: "The router refuses to forward the port."
        case .mappingMissing: "This machine is behind a router, and port mapping is off."
        case .mappingNotNeeded: "This machine needs no port mapping."
        case .ipv6Reached: "Strangers reach us over IPv6."
        case .ipv6Unproven: "This machine has IPv6, and nobody has come in over it yet."
        case .ipv6Absent: "This machine has no public IPv6 address."
        case .outboundWorks: "Peers can be connected to."
        case .outboundFails: "No attempt to connect to a peer has succeeded."
        case .outboundUntested: "No or too few peers were dialled."
        case .namesWork: "Names resolve."
        case .namesSlow: "Names resolve slowly."
        case .namesFail: "Names do not resolve."
        case .namesUntested: "No name was looked up."
        case .trackersReached: "All trackers answer."
        case .trackersPartly: "Some trackers fail."
        case .trackersFail: "No tracker answers."
        case .trackersUntested: "No tracker was asked."
        case .descriptorsEnough: "The limit of open files is high enough."
        case .descriptorsFew: "The limit of open files is below what the settings may need."
        case .descriptorsGone: "The limit of open files is nearly used up."
        case .folderFine: "The folder can be written and has room."
        case .folderTooSmall: "The folder has less room than what is still to be fetched."
        case .folderNotSparse: "The folder's file system gives each file its whole size at once."
        case .folderFull: "The folder's disk is full."
        case .folderReadOnly: "The folder cannot be written."
        case .folderFailing: "The folder or its disk does not work."
        }
    }

    /// What a person can do; nil where there is nothing to do.
    public var remedy: String? {
        switch self {
        case .portClosed, .portNeverReached:
            "Forward the port in the router and allow it in the firewall, or switch port mapping on."
        case .portInUse: "Choose another port with `--port`, or stop the other program."
        case .portFailed: "See the error; ports below 1024 need a privilege."
        case .portOff: "Set a port with `--port`."
        case .routesNone: "Check the cable, the VPN and the default route."
        case .routesOnlyIPv6: "Give this machine an IPv4 address and a default route."
        case .mappingDoubleNAT:
            "Forward the port in both routers; at a provider that shares addresses, use IPv6 or a VPN with a port."
        case .mappingOtherAddress: "If a VPN or proxy carries the traffic, the port must be open there."
        case .mappingShort: "Set the lease in the router higher, or forward the port by hand."
        case .mappingUnavailable, .mappingFailed: "Forward the port by hand, or allow UPnP in the router."
        case .mappingMissing: "Switch port mapping on, or forward the port by hand."
        case .outboundFails: "Allow outgoing TCP in the firewall; check the VPN and the provider."
        case .namesSlow: "Use a nearer name server, or a cache on this machine."
        case .namesFail: "Check the name server in `/etc/resolv.conf`."
        case .trackersPartly, .trackersFail: "Read the trackers' words with `weir why`."
        case .descriptorsFew, .descriptorsGone: "Raise the limit of open files (`ulimit -n`, `LimitNOFILE=`)."
        case .folderNotSparse: "Keep room for all of a torrent, or choose a folder on a disk of Linux."
        case .folderTooSmall, .folderFull: "Make room, or choose another folder."
        case .folderReadOnly: "Make the folder writable for this user, or choose another one."
        case .folderFailing: "Look at the system log for the disk, and whether it is mounted."
        default: nil
        }
    }
}
