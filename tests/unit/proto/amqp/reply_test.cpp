// SPDX-License-Identifier: Apache-2.0
#include "proto/amqp/internal/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kilonova::amqp {
namespace {

using ::testing::HasSubstr;

amqp_rpc_reply_t ServerSays(amqp_method_number_t method, void* decoded) {
  amqp_rpc_reply_t reply = {};
  reply.reply_type = AMQP_RESPONSE_SERVER_EXCEPTION;
  reply.reply = {method, decoded};
  return reply;
}

Status ChannelClosedWith(std::uint16_t code, const char* text) {
  amqp_channel_close_t close = {};
  close.reply_code = code;
  close.reply_text = amqp_cstring_bytes(text);
  return ToStatus(ServerSays(AMQP_CHANNEL_CLOSE_METHOD, &close), "declaring queue q");
}

TEST(ToStatus, Normal_IsOk) {
  amqp_rpc_reply_t reply = {};
  reply.reply_type = AMQP_RESPONSE_NORMAL;
  EXPECT_TRUE(ToStatus(reply, "x").ok());
}

TEST(ToStatus, NoReply_IsUnavailable) {
  const Status status = ToStatus(amqp_rpc_reply_t{}, "x");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_TRUE(HasReason(status, reason::kBrokerUnavailable));
}

TEST(ToStatus, LibraryException_SaysWhatWasTried) {
  amqp_rpc_reply_t reply = {};
  reply.reply_type = AMQP_RESPONSE_LIBRARY_EXCEPTION;
  reply.library_error = AMQP_STATUS_HEARTBEAT_TIMEOUT;
  const Status status = ToStatus(reply, "consuming");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(Message(status), HasSubstr("consuming"));
}

TEST(ToStatus, LibraryExceptionWithoutError_IsStillAnError) {
  amqp_rpc_reply_t reply = {};
  reply.reply_type = AMQP_RESPONSE_LIBRARY_EXCEPTION;
  EXPECT_FALSE(ToStatus(reply, "x").ok());
}

TEST(ToStatus, WrongCertificate_IsRefusal) {
  const Status status = ToStatus(AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "connecting");
  EXPECT_EQ(status.code(), Code::kPermissionDenied);
  EXPECT_TRUE(HasReason(status, reason::kBrokerRefused));
}

TEST(ToStatus, ChannelClose_MapsEachCode) {
  EXPECT_EQ(ChannelClosedWith(403, "no").code(), Code::kPermissionDenied);
  EXPECT_EQ(ChannelClosedWith(404, "no").code(), Code::kNotFound);
  EXPECT_EQ(ChannelClosedWith(405, "no").code(), Code::kFailedPrecondition);
  EXPECT_EQ(ChannelClosedWith(406, "no").code(), Code::kFailedPrecondition);
  EXPECT_EQ(ChannelClosedWith(541, "no").code(), Code::kUnavailable);
  EXPECT_THAT(Message(ChannelClosedWith(406, "PRECONDITION_FAILED - x-queue-type")),
              HasSubstr("declaring queue q: broker says 406 PRECONDITION_FAILED - x-queue-type"));
}

TEST(ToStatus, ConnectionClose_MapsItsCode) {
  amqp_connection_close_t close = {};
  close.reply_code = 320;
  close.reply_text = amqp_cstring_bytes("CONNECTION_FORCED");
  const Status status = ToStatus(ServerSays(AMQP_CONNECTION_CLOSE_METHOD, &close), "x");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(Message(status), HasSubstr("CONNECTION_FORCED"));
}

TEST(ToStatus, UnknownMethod_IsAnError) {
  EXPECT_FALSE(ToStatus(ServerSays(AMQP_BASIC_ACK_METHOD, nullptr), "x").ok());
}

}  // namespace
}  // namespace kilonova::amqp
