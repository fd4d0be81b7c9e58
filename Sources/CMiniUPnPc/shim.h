#include <stddef.h>
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <miniupnpc/upnperrors.h>

/* The library has changed this call: later ones also answer with the address outside. */
static inline int weir_upnp_find(
    struct UPNPDev *devices, struct UPNPUrls *urls, struct IGDdatas *data, char *own_address, int length) {
#if MINIUPNPC_API_VERSION >= 18
    char outside[64];
    return UPNP_GetValidIGD(devices, urls, data, own_address, length, outside, sizeof outside);
#else
    return UPNP_GetValidIGD(devices, urls, data, own_address, length);
#endif
}

/* An array of characters, which Swift sees as a tuple. */
static inline const char *weir_upnp_service(const struct IGDdatas *data) { return data->first.servicetype; }
