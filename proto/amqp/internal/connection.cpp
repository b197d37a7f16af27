// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/internal/connection.h"

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "proto/amqp/internal/reply.h"
#include "proto/amqp/internal/table.h"

namespace kilonova::amqp {
namespace {

constexpr amqp_channel_t kChannel = 1;
// Marks a message so that its return can be told from others' on the way.
constexpr std::string_view kSequenceHeader = "kilonova-sequence";

timeval ToTimeval(std::chrono::milliseconds time) {
  return {time.count() / 1000, (time.count() % 1000) * 1000};
}

Status NoMemory(std::string_view what) {
  return Error(Code::kUnavailable, reason::kBrokerUnavailable,
               std::string(what) + " could not be created");
}

}  // namespace

Connection::Connection(ConnectionSettings settings, std::uint64_t max_body)
    : settings_(std::move(settings)), max_body_(max_body), state_(amqp_new_connection()) {}

Connection::~Connection() {
  if (state_ != nullptr) amqp_destroy_connection(state_);
  absl::MutexLock lock(&abort_mutex_);
  if (abort_fd_ >= 0) close(abort_fd_);
}

Expected<std::unique_ptr<Connection>> Connection::Open(const ConnectionSettings& settings,
                                                       std::uint64_t max_body) {
  std::unique_ptr<Connection> connection(new Connection(settings, max_body));
  if (connection->state_ == nullptr) return NoMemory("connection");
  RETURN_IF_ERROR(connection->Connect());
  RETURN_IF_ERROR(connection->Login());
  return connection;
}

Status Connection::OpenTls(amqp_socket_t** socket) {
  const TlsSettings& tls = *settings_.tls;
  *socket = amqp_ssl_socket_new(state_);
  if (*socket == nullptr) return NoMemory("TLS socket");
  amqp_ssl_socket_set_verify_peer(*socket, tls.verify_peer ? 1 : 0);
  amqp_ssl_socket_set_verify_hostname(*socket, tls.verify_hostname ? 1 : 0);
  auto* context = static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(*socket));
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) return NoMemory("TLS context");
  if (!tls.ca_file.empty()) {
    RETURN_IF_ERROR(
        ToStatus(amqp_ssl_socket_set_cacert(*socket, tls.ca_file.c_str()), "reading the CA file"));
  } else {
    SSL_CTX_set_default_verify_paths(context);
  }
  if (!tls.cert_file.empty()) {
    RETURN_IF_ERROR(
        ToStatus(amqp_ssl_socket_set_key(*socket, tls.cert_file.c_str(), tls.key_file.c_str()),
                 "reading the certificate and its key"));
  }
  return OkStatus();
}

Status Connection::Connect() {
  amqp_socket_t* socket = nullptr;
  if (settings_.tls) {
    RETURN_IF_ERROR(OpenTls(&socket));
  } else if (socket = amqp_tcp_socket_new(state_); socket == nullptr) {
    return NoMemory("socket");
  }
  const timeval deadline = ToTimeval(settings_.connect_deadline);
  RETURN_IF_ERROR(
      ToStatus(amqp_socket_open_noblock(socket, settings_.host.c_str(), settings_.port, &deadline),
               "connecting to " + settings_.host + ":" + std::to_string(settings_.port)));

  // A write waits for a peer that does not read: the kernel ends that, as the library would not.
  const auto patience =
      static_cast<unsigned>(std::chrono::milliseconds(settings_.heartbeat * 2).count());
  if (patience > 0) {
    setsockopt(fd(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
  }
  absl::MutexLock lock(&abort_mutex_);
  abort_fd_ = dup(fd());
  return OkStatus();
}

Status Connection::Login() {
  const timeval handshake = ToTimeval(settings_.connect_deadline);
  const timeval call = ToTimeval(settings_.call_deadline);
  amqp_set_handshake_timeout(state_, &handshake);
  amqp_set_rpc_timeout(state_, &call);

  Table capabilities;
  for (const char* name : {"consumer_cancel_notify", "connection.blocked", "basic.nack",
                           "publisher_confirms", "authentication_failure_close"}) {
    capabilities.Set(name, true);
  }
  Table properties;
  properties.Set("product", std::string("Kilonova"));
  properties.Set("connection_name", settings_.name);
  properties.SetTable("capabilities", &capabilities);
  const amqp_table_t table = properties.table();

  const auto heartbeat = static_cast<int>(settings_.heartbeat.count());
  const amqp_rpc_reply_t reply =
      settings_.login == LoginMethod::kExternal
          ? amqp_login_with_properties(state_, settings_.vhost.c_str(), 0, AMQP_DEFAULT_FRAME_SIZE,
                                       heartbeat, &table, AMQP_SASL_METHOD_EXTERNAL,
                                       settings_.user.c_str())
          : amqp_login_with_properties(state_, settings_.vhost.c_str(), 0, AMQP_DEFAULT_FRAME_SIZE,
                                       heartbeat, &table, AMQP_SASL_METHOD_PLAIN,
                                       settings_.user.c_str(), settings_.password.c_str());
  RETURN_IF_ERROR(ToStatus(reply, "logging in"));
  usable_ = true;
  amqp_channel_open(state_, kChannel);
  return Answer("opening a channel");
}

Status Connection::Answer(std::string_view doing) {
  Status status = ToStatus(amqp_get_rpc_reply(state_), doing);
  amqp_maybe_release_buffers_on_channel(state_, kChannel);
  return status;
}

Status Connection::Declare(const Topology& topology) {
  for (const Exchange& exchange : topology.exchanges) {
    amqp_exchange_declare(state_, kChannel, Bytes(exchange.name), Bytes(exchange.type), 0,
                          exchange.durable ? 1 : 0, 0, 0, amqp_empty_table);
    RETURN_IF_ERROR(Answer("declaring exchange " + exchange.name));
  }
  for (const Queue& queue : topology.queues) {
    Table arguments(queue.arguments);
    amqp_queue_declare(state_, kChannel, Bytes(queue.name), 0, queue.durable ? 1 : 0, 0, 0,
                       arguments.table());
    RETURN_IF_ERROR(Answer("declaring queue " + queue.name));
  }
  for (const Binding& binding : topology.bindings) {
    amqp_queue_bind(state_, kChannel, Bytes(binding.queue), Bytes(binding.exchange),
                    Bytes(binding.key), amqp_empty_table);
    RETURN_IF_ERROR(Answer("binding queue " + binding.queue));
  }
  return OkStatus();
}

Status Connection::SelectConfirms() {
  amqp_confirm_select(state_, kChannel);
  return Answer("asking for confirms");
}

Status Connection::Consume(const std::string& queue, std::uint16_t prefetch) {
  amqp_basic_qos(state_, kChannel, 0, prefetch, 0);
  RETURN_IF_ERROR(Answer("setting the prefetch"));
  amqp_basic_consume(state_, kChannel, Bytes(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  return Answer("consuming from " + queue);
}

Status Connection::Publish(const Message& message, std::uint64_t sequence) {
  Table headers(message.headers);
  headers.Set(kSequenceHeader, static_cast<std::int64_t>(sequence));
  amqp_basic_properties_t properties = {};
  properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_CONTENT_ENCODING_FLAG |
                      AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_PRIORITY_FLAG |
                      AMQP_BASIC_HEADERS_FLAG;
  properties.content_type = Bytes(message.content_type);
  properties.content_encoding = Bytes(message.content_encoding);
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  properties.priority = message.priority;
  properties.headers = headers.table();
  if (!message.expiration.empty()) {
    properties._flags |= AMQP_BASIC_EXPIRATION_FLAG;
    properties.expiration = Bytes(message.expiration);
  }
  return ToStatus(
      amqp_basic_publish(state_, kChannel, Bytes(message.exchange), Bytes(message.routing_key), 1,
                         0, &properties, Bytes(message.body)),
      "publishing");
}

Status Connection::Ack(std::uint64_t tag) {
  return ToStatus(amqp_basic_ack(state_, kChannel, tag, 0), "acknowledging");
}

Status Connection::Reject(std::uint64_t tag) {
  return ToStatus(amqp_basic_reject(state_, kChannel, tag, 0), "rejecting");
}

int Connection::fd() const { return amqp_get_sockfd(state_); }

std::chrono::milliseconds Connection::HeartbeatPoll() const {
  const auto heartbeat = std::chrono::seconds(amqp_get_heartbeat(state_));
  if (heartbeat.count() == 0) return std::chrono::seconds(1);
  return std::clamp<std::chrono::milliseconds>(heartbeat / 4, std::chrono::milliseconds(100),
                                               std::chrono::seconds(1));
}

void Connection::Close() {
  if (!usable_) return;
  usable_ = false;
  const timeval patience{2, 0};
  amqp_set_rpc_timeout(state_, &patience);
  amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
}

void Connection::Abort() {
  absl::MutexLock lock(&abort_mutex_);
  if (abort_fd_ >= 0) shutdown(abort_fd_, SHUT_RDWR);
}

Status Connection::Pump(Events& events) {
  // Bounded, so that a flood cannot keep the caller from its own work.
  for (int frames = 0; frames < 1000; ++frames) {
    amqp_frame_t frame;
    const timeval now{0, 0};
    const int status = amqp_simple_wait_frame_noblock(state_, &frame, &now);
    if (status == AMQP_STATUS_TIMEOUT) return OkStatus();
    if (status != AMQP_STATUS_OK) {
      usable_ = false;
      return ToStatus(status, "waiting for the broker");
    }
    RETURN_IF_ERROR(OnFrame(frame, events));
    // Whatever mattered was copied; without this a long message's frames pile up.
    amqp_maybe_release_buffers_on_channel(state_, frame.channel);
  }
  return OkStatus();
}

Status Connection::OnFrame(const amqp_frame_t& frame, Events& events) {
  switch (frame.frame_type) {
    case AMQP_FRAME_METHOD:
      return OnMethod(frame.payload.method, events);
    case AMQP_FRAME_HEADER:
      OnHeader(frame, events);
      return OkStatus();
    case AMQP_FRAME_BODY:
      OnBody(frame, events);
      return OkStatus();
    default:
      return OkStatus();
  }
}

Status Connection::OnMethod(const amqp_method_t& method, Events& events) {
  switch (method.id) {
    case AMQP_BASIC_ACK_METHOD: {
      const auto* ack = static_cast<const amqp_basic_ack_t*>(method.decoded);
      events.OnConfirm(ack->delivery_tag, ack->multiple != 0, true);
      return OkStatus();
    }
    case AMQP_BASIC_NACK_METHOD: {
      const auto* nack = static_cast<const amqp_basic_nack_t*>(method.decoded);
      events.OnConfirm(nack->delivery_tag, nack->multiple != 0, false);
      return OkStatus();
    }
    case AMQP_BASIC_RETURN_METHOD: {
      const auto* returned = static_cast<const amqp_basic_return_t*>(method.decoded);
      incoming_ = {
          .kind = Incoming::Kind::kReturn,
          .why = std::to_string(returned->reply_code) + " " + CopyText(returned->reply_text)};
      return OkStatus();
    }
    case AMQP_BASIC_DELIVER_METHOD: {
      const auto* deliver = static_cast<const amqp_basic_deliver_t*>(method.decoded);
      incoming_ = {.kind = Incoming::Kind::kDelivery};
      incoming_.delivery.token.tag = deliver->delivery_tag;
      incoming_.delivery.redelivered = deliver->redelivered != 0;
      incoming_.delivery.exchange = CopyText(deliver->exchange);
      incoming_.delivery.routing_key = CopyText(deliver->routing_key);
      return OkStatus();
    }
    case AMQP_CONNECTION_BLOCKED_METHOD:
      events.OnBlocked(
          true, CopyText(static_cast<const amqp_connection_blocked_t*>(method.decoded)->reason));
      return OkStatus();
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      events.OnBlocked(false, "");
      return OkStatus();
    case AMQP_BASIC_CANCEL_METHOD:
      return Error(Code::kUnavailable, reason::kBrokerUnavailable,
                   "consumer cancelled by the broker: its queue is gone", {{"cancelled", "true"}});
    case AMQP_CONNECTION_CLOSE_METHOD: {
      Status status = CloseToStatus(method, "connection closed");
      amqp_connection_close_ok_t ok = {};
      amqp_send_method(state_, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
      usable_ = false;
      return status;
    }
    case AMQP_CHANNEL_CLOSE_METHOD: {
      Status status = CloseToStatus(method, "channel closed");
      amqp_channel_close_ok_t ok = {};
      amqp_send_method(state_, kChannel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
      return status;
    }
    default:
      return OkStatus();
  }
}

void Connection::OnHeader(const amqp_frame_t& frame, Events& events) {
  if (incoming_.kind == Incoming::Kind::kNone || incoming_.has_header) return;
  const auto& header = frame.payload.properties;
  const auto* properties = static_cast<const amqp_basic_properties_t*>(header.decoded);
  Delivery& delivery = incoming_.delivery;
  incoming_.has_header = true;
  delivery.body_size = header.body_size;
  if ((properties->_flags & AMQP_BASIC_CONTENT_TYPE_FLAG) != 0) {
    delivery.content_type = CopyText(properties->content_type);
  }
  if ((properties->_flags & AMQP_BASIC_HEADERS_FLAG) != 0) {
    delivery.headers = CopyHeaders(properties->headers);
  }
  if (const auto it = delivery.headers.find("x-delivery-count"); it != delivery.headers.end()) {
    if (const auto* count = std::get_if<std::int64_t>(&it->second))
      delivery.delivery_count = *count;
  }
  delivery.too_large = header.body_size > max_body_;
  if (incoming_.kind == Incoming::Kind::kDelivery && !delivery.too_large) {
    delivery.body.reserve(header.body_size);
  }
  if (header.body_size == 0) Finish(events);
}

void Connection::OnBody(const amqp_frame_t& frame, Events& events) {
  if (incoming_.kind == Incoming::Kind::kNone || !incoming_.has_header) return;
  const amqp_bytes_t& piece = frame.payload.body_fragment;
  incoming_.received += piece.len;
  if (incoming_.kind == Incoming::Kind::kDelivery && !incoming_.delivery.too_large) {
    incoming_.delivery.body.append(static_cast<const char*>(piece.bytes), piece.len);
  }
  if (incoming_.received >= incoming_.delivery.body_size) Finish(events);
}

void Connection::Finish(Events& events) {
  Incoming done = std::exchange(incoming_, {});
  if (done.kind == Incoming::Kind::kDelivery) {
    events.OnDelivery(std::move(done.delivery));
    return;
  }
  const auto it = done.delivery.headers.find(kSequenceHeader);
  const auto* sequence =
      it == done.delivery.headers.end() ? nullptr : std::get_if<std::int64_t>(&it->second);
  if (sequence != nullptr) {
    events.OnReturn(static_cast<std::uint64_t>(*sequence), std::move(done.why));
  }
}

}  // namespace kilonova::amqp
