#include "net/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

namespace holdfast::net {

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Descriptor Descriptor::duplicate() const { return Descriptor(::fcntl(fd_, F_DUPFD_CLOEXEC, 0)); }

}  // namespace holdfast::net
