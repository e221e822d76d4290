// A class that is only declared, in the wrong namespace: the check compares it with the classes of system headers, so
// the plugin must not limit the scope here. See faults.cc.
#include <ctime>

namespace holdfast::faults {
struct tm;  // finds: bugprone-forward-declaration-namespace
}  // namespace holdfast::faults
