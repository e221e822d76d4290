#include "proxy/tunnel.h"

namespace holdfast::proxy {

void Tunnel::start(net::Stream& client, SendBuffer& to_client, net::Stream& backend, SendBuffer& to_backend) {
  client_ = {.stream = &client, .send_buffer = &to_client};
  backend_ = {.stream = &backend, .send_buffer = &to_backend};
}

bool Tunnel::pump_one(Side& from, Side& to) {
  for (int i = 0; !from.ended && to.send_buffer->is_empty(); ++i) {
    if (i == kReadsPerTurn) {
      wants_more_ = true;
      return true;
    }
    const net::IoResult got = from.stream->read(*context_.scratch.bytes);
    if (got.state == net::IoResult::State::Blocked) break;
    if (got.state == net::IoResult::State::Failed) {
      from.broken = true;
      return false;
    }
    if (got.state == net::IoResult::State::Closed) {
      from.ended = true;
      break;
    }
    from.bytes += got.bytes;
    const iovec pieces[] = {{context_.scratch.bytes->data(), got.bytes}};
    if (to.send_buffer->write(*to.stream, pieces).state == SendBuffer::State::Failed) return false;
  }
  if (from.ended && !to.told && to.send_buffer->is_empty()) {
    to.told = true;
    to.stream->shutdown_write();
  }
  return true;
}

Tunnel::Outcome Tunnel::pump() {
  wants_more_ = false;
  if (!pump_one(client_, backend_)) return Outcome::Broken;
  if (!pump_one(backend_, client_)) return backend_.broken ? Outcome::BackendBroken : Outcome::Broken;
  return client_.told && backend_.told ? Outcome::Ended : Outcome::Goes;
}

Tunnel::Outcome Tunnel::flush() {
  if (client_.send_buffer->flush(*client_.stream).state == SendBuffer::State::Failed) return Outcome::Broken;
  if (backend_.send_buffer->flush(*backend_.stream).state == SendBuffer::State::Failed) return Outcome::Broken;
  return pump();
}

}  // namespace holdfast::proxy
